/**
 * Whether handshakes fail because of the token. A browser does not tell 401 from a server that is down: both are close
 * code 1006 before the socket opens. So it is concluded, by one rule:
 *
 * - A token that says itself (`exp` of a JWT) that it is over is refused at the first handshake that fails.
 * - One that has been accepted, and says that it is not over, is never doubted: the server has trouble of its own.
 * - Any other is doubted once three handshakes in a row have failed, and refused if then the server's host answers
 *   plain HTTP. Until it does, the server is down.
 */

/** What a probe has found; `refused` and `accepted` only where it can tell what the server thinks of the token. */
export type Finding = 'refused' | 'accepted' | 'reachable' | 'unreachable'
export type Probe = (token: string) => Promise<Finding>

export const HANDSHAKES_UNTIL_DOUBT = 3

export class Doubts {
  private failed = 0
  private lastAccepted: string | null = null
  private readonly probe: Probe

  constructor(probe: Probe) {
    this.probe = probe
  }

  accepted(token: string): void {
    this.failed = 0
    this.lastAccepted = token
  }

  /** Begin anew: there may be another token. */
  reset(): void {
    this.failed = 0
  }

  /** Takes note of a handshake that failed; whether it was for the token. */
  async isRefused(token: string): Promise<boolean> {
    this.failed += 1
    const end = endOf(token)
    if (end !== null && end <= Date.now()) return true
    if (this.failed < HANDSHAKES_UNTIL_DOUBT) return false
    const isTrusted = end !== null && token === this.lastAccepted
    // Asked even if we trust it: the probe may know better than both.
    const finding = await this.probe(token)
    return finding === 'refused' || (finding === 'reachable' && !isTrusted)
  }
}

/** When a JWT ends, in milliseconds since 1970; null if it does not say, or is none. */
function endOf(token: string): number | null {
  const payload = token.split('.')[1] ?? ''
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null
    return typeof exp === 'number' ? exp * 1_000 : null
  } catch {
    return null
  }
}
