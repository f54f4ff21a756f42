import type { Probe } from './doubts.js'

const PROBE_MS = 5_000

/** The part of `fetch` that is used. */
type Fetch = (url: URL, options: RequestInit) => Promise<unknown>

/**
 * A probe that asks the WebSocket's host for anything by HTTP. The answer cannot be read (it is another origin), but
 * that there is one tells that the server is up. A page's content security policy must allow it in `connect-src`.
 */
export function hostProbe(websocketUrl: string, get: Fetch = fetch): Probe {
  const url = new URL(websocketUrl)
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:'
  url.search = ''
  return async () => {
    try {
      const signal = AbortSignal.timeout(PROBE_MS)
      await get(url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal })
      return 'reachable'
    } catch {
      return 'unreachable'
    }
  }
}
