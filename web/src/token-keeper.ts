/** Keeps the token that is in use, and asks for another where it opens nothing. */

import { isExpired, storeToken } from './token'
import { askForToken } from './token-dialog'

export class TokenKeeper {
  private token: string
  private wasAccepted = false

  constructor(token: string) {
    this.token = token
  }

  get current(): string {
    return this.token
  }

  /** A connection was opened with it. */
  accepted(): void {
    this.wasAccepted = true
  }

  /** The server does not take it: resolves when there is another. */
  async renew(): Promise<void> {
    this.token = await askForToken(whyRefused(this.token, this.wasAccepted))
    this.wasAccepted = false
    storeToken(this.token)
  }

  /** The server takes it, but not for the map. The connection stands, so another token begins with another page. */
  async replace(why: string): Promise<void> {
    storeToken(await askForToken(why))
    location.reload()
  }
}

/** Why another token is needed, for people. */
export function whyRefused(token: string, wasAccepted = false): string {
  if (isExpired(token)) return 'Your token has expired.'
  return `The server does not accept this token${wasAccepted ? ' any more' : ''}.`
}
