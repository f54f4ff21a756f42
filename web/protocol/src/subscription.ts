/** One viewport kept in step with the server: subscribes, applies what comes, and asks where something is missing. */

import type { Counts, Frame } from './frame.js'
import type { Encoding, SubscribeAck, Viewport } from './protocol.js'
import { Question, type Line } from './question.js'
import { apply, forget, isInStep, sinceOf, UNKNOWN, type State } from './state.js'

/** What a viewport shows. There is a new one after every change; those that were handed out stay as they are. */
export interface HeatView {
  /** The server's name of the viewport; null until it has told it. */
  readonly subscription: string | null
  /** Null until the first snapshot is complete. */
  readonly epoch: string | null
  readonly rev: number
  /** Drivers by cell (geohash); never 0. */
  readonly cells: Counts
  /** Live drivers in the whole city. */
  readonly drivers: number
  /** When the server read this state, RFC 3339, and how long before that the newest applied ping was received. */
  readonly asOf: string | null
  readonly lagMs: number | null
  /** When the last whole frame or heartbeat came, on the clock of `performance.now()`. */
  readonly receivedAt: number | null
  /** How often the server says something at least; what it usually is until it has told. */
  readonly heartbeatMs: number
  /**
   * The least count, other than 0, that the token is shown: 1 if counts are exact; else cells of fewer drivers are left
   * out, and any count may be too low by less than this.
   */
  readonly minCellDrivers: number
  /** How many frames were applied, and how often one was found missing, since the watch began. */
  readonly frames: number
  readonly gaps: number
}

export interface Refusal {
  /** One of the codes in the protocol's table of errors. */
  code: string
  message: string
}

export interface Watcher {
  view: HeatView
  readonly onView: (view: HeatView) => void
  readonly onRefused: (refusal: Refusal) => void
}

const SILENCE_IN_HEARTBEATS = 1.5
/** Until the server has told its own. */
const HEARTBEAT_MS = 15_000

export class Subscription {
  readonly watchers = new Set<Watcher>()
  readonly viewport: Viewport
  /** What the server calls it; null until it has told. */
  name: string | null = null
  view: HeatView
  private readonly keys: Set<string>
  private state: State = UNKNOWN
  private readonly question: Question
  private readonly line: Line
  /** Of the subscribe that was sent last: the revision it named, and what of its answer has come. */
  private askedFrom = 0
  private isAcknowledged = true
  private isCaughtUp = true
  private heartbeatMs = HEARTBEAT_MS
  private minCellDrivers = 1
  private silence: unknown

  constructor({ city, precision, bbox }: Viewport, encoding: Encoding, line: Line) {
    this.viewport = { city, precision, ...(bbox && { bbox }) }
    this.line = line
    this.keys = new Set([keyOf(this.viewport)])
    this.view = this.viewAt(null)
    this.question = new Question(line, () => {
      const since = sinceOf(this.state)
      this.askedFrom = since?.rev ?? 0
      this.isAcknowledged = false
      this.isCaughtUp = false
      return { action: 'subscribe', ...this.viewport, ...(since && { since }), encoding }
    })
  }

  /** Whether this is what somebody who asks for the viewport wants. */
  shows(viewport: Viewport): boolean {
    return this.keys.has(keyOf(viewport))
  }

  /** Whether the server may have begun it under a name that we do not know yet. */
  get awaitsAck(): boolean {
    return !this.isAcknowledged
  }

  owns(id: string | undefined): boolean {
    return this.question.owns(id)
  }

  /** Subscribes, or asks for what has changed since. */
  ask(): void {
    this.question.ask()
    this.listen()
  }

  /** Asks once more: what was asked has come to nothing, or may have. */
  askAgain(): void {
    this.question.askAgain()
  }

  acknowledge(ack: SubscribeAck): void {
    const { state } = this
    this.isAcknowledged = true
    this.heartbeatMs = ack.heartbeat_seconds * 1_000
    this.minCellDrivers = ack.min_cell_drivers ?? 1
    const wasSetBack = this.question.isLast(ack.id) && ack.epoch === state.epoch && ack.rev < this.askedFrom
    const isAnother = this.name !== null && this.name !== ack.subscription
    this.name = ack.subscription
    // Our revision is of another viewport (a city has grown), or of a history that the server has lost the end of.
    if (wasSetBack || isAnother) {
      this.state = forget(state)
      this.isCaughtUp = false
      this.question.askAgain()
    }
    this.listen()
    this.conclude()
    this.publish(this.view.receivedAt)
  }

  take(frame: Frame): void {
    const before = this.state
    const state = (this.state = apply(before, frame))
    if (isInStep(state) && isReached(before, state, frame)) this.isCaughtUp = true
    this.listen()
    this.conclude()
    if (state.waiting.length > 0) this.question.ask()
    const isPart = frame.parts > 1 && state.frames === before.frames
    // Last: who is called may end this subscription.
    if (!isPart) this.publish(this.line.clock.now())
  }

  refuse(refusal: Refusal): void {
    this.close()
    const watchers = [...this.watchers]
    this.watchers.clear()
    for (const watcher of watchers) tell(() => watcher.onRefused(refusal))
  }

  /** Takes over those who watch the same viewport, which they have asked for by another box. */
  adopt(other: Subscription): void {
    other.close()
    for (const key of other.keys) this.keys.add(key)
    const watchers = [...other.watchers]
    other.watchers.clear()
    for (const watcher of watchers) this.watchers.add(watcher)
    for (const watcher of watchers) this.show(watcher)
  }

  /** Shows somebody what there is, once there is something to be seen. */
  show(watcher: Watcher): void {
    // Who was called before may have ended this watch.
    if (!this.watchers.has(watcher)) return
    watcher.view = this.view
    if (this.view.epoch !== null) tell(() => watcher.onView(this.view))
  }

  /** The connection is gone; what is known stays, to resume from. */
  lost(): void {
    this.close()
    this.isAcknowledged = true
  }

  close(): void {
    this.question.lost()
    this.line.clock.clearTimeout(this.silence)
  }

  /** An answer is complete when both its ack and its frame are in, in whichever order. */
  private conclude(): void {
    if (this.isAcknowledged && this.isCaughtUp && isInStep(this.state)) this.question.answered()
  }

  /** A viewport that falls silent may have been forgotten by the server. */
  private listen(): void {
    const { clock } = this.line
    clock.clearTimeout(this.silence)
    this.silence = clock.setTimeout(() => this.ask(), this.heartbeatMs * SILENCE_IN_HEARTBEATS)
  }

  private publish(receivedAt: number | null): void {
    this.view = this.viewAt(receivedAt)
    for (const watcher of [...this.watchers]) this.show(watcher)
  }

  private viewAt(receivedAt: number | null): HeatView {
    const { epoch, rev, cells, drivers, asOf, lagMs, frames, gaps } = this.state
    const { heartbeatMs, minCellDrivers, name: subscription } = this
    const told = { subscription, heartbeatMs, minCellDrivers }
    return { ...told, epoch, rev, cells, drivers, asOf, lagMs, receivedAt, frames, gaps }
  }
}

/** Whether the state has got to where the frame leads: not by a frame from the past, nor by a part of one. */
const isReached = (before: State, after: State, { epoch, rev }: Frame): boolean =>
  epoch === after.epoch && rev <= after.rev && (epoch !== before.epoch || rev >= before.rev)

const keyOf = ({ city, precision, bbox }: Viewport): string => [city, precision, ...(bbox ?? [])].join('/')

/** Calls back; who is called may fail, but not make us fail. */
export function tell(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
