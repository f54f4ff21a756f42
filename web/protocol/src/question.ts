/** One question to the server, asked again until it is answered; never asked twice at the same time. */

import { Backoff, type Delays } from './backoff.js'
import type { Clock } from './clock.js'
import type { ClientMessage } from './protocol.js'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
export type Action = WithoutId<ClientMessage>

/** The connection, as one who asks sees it. */
export interface Line {
  readonly clock: Clock
  readonly random: () => number
  /** How many messages have come on it, whatever they were. */
  readonly heard: number
  /** The id under which it was sent; null while there is no connection. */
  send(action: Action): string | null
  /** The connection is dead. */
  replace(): void
}

/** A question unanswered for so long is asked again, or was asked on a dead connection. */
export const ANSWER_MS = 5_000
/** Unanswered so often in a row, the connection is given up even if other things come on it. */
export const TRIES = 3
/** Before it is asked again where the server could not answer. */
export const PAUSES: Delays = { least: 1_000, first: 2_000, longest: 20_000 }

export class Question {
  private readonly ids = new Set<string>()
  private lastId: string | null = null
  private timer: unknown
  private tries = 0
  private readonly backoff: Backoff
  private readonly line: Line
  private readonly action: () => Action

  constructor(line: Line, action: () => Action) {
    this.line = line
    this.action = action
    this.backoff = new Backoff(PAUSES, line.random)
  }

  /** Whether an answer is awaited, or the moment to ask. */
  get isOpen(): boolean {
    return this.timer !== undefined
  }

  owns(id: string | undefined): boolean {
    return id !== undefined && this.ids.has(id)
  }

  /** Whether it is the id of the last asking, and not of one before. */
  isLast(id: string | undefined): boolean {
    return id === this.lastId
  }

  /** Asks, unless it is being asked. */
  ask(): void {
    if (!this.isOpen) this.send()
  }

  /** Asks once more, after a while: what was asked has come to nothing. */
  askAgain(): void {
    this.cancel()
    this.wait(this.backoff.next(), () => this.send())
  }

  answered(): void {
    this.cancel()
    this.tries = 0
    this.backoff.reset()
  }

  /** The connection is gone, and with it the question. */
  lost(): void {
    this.answered()
    this.ids.clear()
  }

  private send(): void {
    const { heard } = this.line
    const id = this.line.send(this.action())
    if (id === null) return
    this.lastId = id
    this.ids.add(id)
    this.wait(ANSWER_MS, () => {
      this.tries += 1
      if (this.line.heard === heard || this.tries >= TRIES) this.line.replace()
      else this.send()
    })
  }

  private wait(ms: number, run: () => void): void {
    this.timer = this.line.clock.setTimeout(() => {
      this.timer = undefined
      run()
    }, ms)
  }

  private cancel(): void {
    if (this.timer !== undefined) this.line.clock.clearTimeout(this.timer)
    this.timer = undefined
  }
}
