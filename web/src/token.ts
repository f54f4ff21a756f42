/** The viewer's token: kept for this tab only, so that closing it signs out. */

const KEY = 'fleetglow.token'

export const storedToken = (): string | null => sessionStorage.getItem(KEY)
export const storeToken = (token: string): void => sessionStorage.setItem(KEY, token)

/** Whether a token says that it is over. Only the server can tell whether one is genuine. */
export function isExpired(token: string): boolean {
  const end = expiryOf(token)
  return end !== null && end < Date.now()
}

/** When a JWT ends, in milliseconds since 1970; null if it does not say, or is none. */
function expiryOf(token: string): number | null {
  const payload = token.split('.')[1] ?? ''
  try {
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 : null
  } catch {
    return null
  }
}
