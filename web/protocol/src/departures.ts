/** The subscriptions that were left, some of whose messages are still on their way. */

import type { Line } from './question.js'

interface Departure {
  id: string
  at: number
  isAnswered: boolean
}

/** One that still sends after so long is left again. */
export const LEAVE_AGAIN_MS = 5_000
const MOST_REMEMBERED = 64

export class Departures {
  private readonly left = new Map<string, Departure>()
  private readonly line: Line

  constructor(line: Line) {
    this.line = line
  }

  /** Whether the server may not know yet that one was left. */
  get isUnderWay(): boolean {
    return [...this.left.values()].some(({ isAnswered }) => !isAnswered)
  }

  leave(name: string): void {
    const id = this.line.send({ action: 'unsubscribe', subscription: name })
    if (id === null) return
    this.left.delete(name)
    this.left.set(name, { id, at: this.line.clock.now(), isAnswered: false })
    for (const [oldest] of this.left) if (this.left.size > MOST_REMEMBERED) this.left.delete(oldest)
  }

  /** A frame came of a subscription that nobody wants: it was under way, unless this goes on. */
  heard(name: string): void {
    const departure = this.left.get(name)
    if (!departure || this.line.clock.now() - departure.at > LEAVE_AGAIN_MS) this.leave(name)
  }

  acknowledged(name: string): void {
    const departure = this.left.get(name)
    if (departure) departure.isAnswered = true
  }

  /** Takes an error that answers a leave: it is over already. Whether it was one. */
  failed(id: string | undefined): boolean {
    for (const departure of this.left.values()) if (departure.id === id) return (departure.isAnswered = true)
    return false
  }

  /** The connection is gone, and all subscriptions with it. */
  clear(): void {
    this.left.clear()
  }
}
