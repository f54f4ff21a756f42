/** Keeps one viewport in step with the server: subscribes, applies what comes, and asks again where something is missing. */

import { Connection, type Link, type Socket } from './connection'
import { decode, ProtocolError, type Refusal } from './protocol'
import { apply, emptyField, sinceOf, type Field, type Step } from './state'

/** The frame or heartbeat that came last. */
export interface News {
  type: 'snapshot' | 'delta' | 'heartbeat'
  /** When it came, on the clock of `performance.now()`: the server's clock and ours need not agree. */
  receivedAt: number
  /** How old its newest event was then. */
  lagMs: number
}

export interface FeedEvents {
  onLink: (link: Link) => void
  onField: (field: Field) => void
  onNews: (news: News) => void
  onRefusal: (refusal: Refusal) => void
}

/** A subscribe unanswered for this long is said again. */
export const ANSWER_MS = 5_000

export class Feed {
  private field: Field
  private readonly connection: Connection
  private unanswered: ReturnType<typeof setTimeout> | undefined
  private readonly events: FeedEvents

  constructor(city: string, precision: number, open: () => Socket, events: FeedEvents) {
    this.field = emptyField(city, precision)
    this.events = events
    this.connection = new Connection({
      open,
      onLink: (link) => {
        if (link !== 'connected') this.answered()
        events.onLink(link)
      },
      onOpen: () => this.subscribe(),
      onText: (text) => this.receive(text),
    })
  }

  start(): void {
    this.connection.start()
  }

  stop(): void {
    this.connection.stop()
    clearTimeout(this.unanswered)
  }

  retryNow(): void {
    this.connection.retryNow()
  }

  /** Watches another city on the same connection. */
  watch(city: string, precision: number): void {
    const { extent } = this.field
    if (extent) this.connection.send({ action: 'unsubscribe', subscription: extent.subscription })
    this.field = emptyField(city, precision)
    this.events.onField(this.field)
    this.subscribe()
  }

  private subscribe(): void {
    const { city, precision } = this.field
    const since = sinceOf(this.field)
    this.connection.send({ action: 'subscribe', city, precision, ...(since && { since }) })
    clearTimeout(this.unanswered)
    this.unanswered = setTimeout(() => this.subscribe(), ANSWER_MS)
  }

  private receive(text: string): void {
    let message
    try {
      message = decode(text)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.events.onRefusal({ type: 'error', code: 'bad_message', message: error.message })
      return
    }
    if (message === null) return
    if (message.type === 'error') this.events.onRefusal(message)
    if (message.type === 'ack' && message.heartbeat_seconds) this.connection.expectEvery(message.heartbeat_seconds)
    const step = apply(this.field, message)
    const isAnswer = message.type === 'snapshot' || (message.type === 'delta' && message.resumed)
    if (isAnswer && step.field.parts.length === 0) this.answered()
    this.follow(step)
    if (message.type === 'snapshot' || message.type === 'delta' || message.type === 'heartbeat') {
      if (message.city !== this.field.city || message.precision !== this.field.precision) return
      this.events.onNews({ type: message.type, receivedAt: performance.now(), lagMs: Math.max(0, message.lag_ms) })
    }
  }

  private follow({ field, ask }: Step): void {
    const before = this.field
    this.field = field
    if (ask === 'snapshot' || (ask === 'resume' && this.unanswered === undefined)) this.subscribe()
    if (field !== before) this.events.onField(field)
  }

  /** Nothing is awaited any more, so that the next gap is asked about. */
  private answered(): void {
    clearTimeout(this.unanswered)
    this.unanswered = undefined
  }
}
