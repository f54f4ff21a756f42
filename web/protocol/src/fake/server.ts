/**
 * A server in the same process: the truth about some cities, and sockets whose deliveries a test loses, doubles or
 * shuffles. Its answers follow the protocol to the letter.
 */

import type { SocketConstructor } from '../connection.js'
import type { City, ClientMessage, Encoding, Since, Tiles } from '../protocol.js'
import type { Probe } from '../doubts.js'
import { FakeCity } from './city.js'
import { messagesOf } from './messages.js'
import { Refused, requestIn, type Request, type Watched } from './request.js'
import { FakeSocket, type Host } from './socket.js'

export interface FakeServerOptions {
  /** By default Lagos and London. */
  cities?: readonly City[]
  precisions?: readonly number[]
  heartbeatSeconds?: number
  /** The least count that acks say is shown, by default 1; which counts there are is the test's business. */
  minCellDrivers?: number
  /** Frames with more cells than fit into so many bytes come in parts. */
  messageBytes?: number
  /** UTC milliseconds, for `as_of`. */
  now?: () => number
}

const CITIES: readonly City[] = [
  { name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [6.35, 3.1, 6.75, 3.75] },
  { name: 'london', title: 'London', time_zone: 'Europe/London', bbox: [51.28, -0.51, 51.7, 0.33] },
]
const MOST_SUBSCRIPTIONS = 16

/** A viewport that somebody watches or has watched, and the revision of the frame that was sent for it last. */
interface Sent extends Watched {
  epoch: string
  rev: number
}

type Failure = { code: string; message: string } | 'gateway'

export class FakeServer implements Host {
  /** What clients open their sockets with. */
  readonly WebSocket: SocketConstructor
  /** The connections that are open. */
  readonly sockets = new Set<FakeSocket>()
  /** How many handshakes were tried. */
  handshakes = 0
  /** Every message of clients, in the order in which they came. */
  readonly received: ClientMessage[] = []
  /** While down, no handshake succeeds, and the host does not answer probes either. */
  isDown = false
  /** While it does not, handshakes neither succeed nor fail. */
  shakesHands = true
  /** While mute, nothing that is sent is answered, and no frames go out. */
  isMute = false
  /** While held, nothing is delivered but by `deliver()`. */
  isHeld = false
  /** Tokens that are accepted; null for any. */
  tokens: ReadonlySet<string> | null = null
  /** What becomes of messages on their way: loses, doubles, shuffles. */
  network: (texts: string[]) => string[] = (texts) => texts
  private readonly options: Required<FakeServerOptions>
  private readonly state: ReadonlyMap<string, FakeCity>
  private readonly sent = new Map<string, Sent>()
  private readonly failures: { action: string; failure: Failure }[] = []

  constructor(options: FakeServerOptions = {}) {
    this.options = {
      cities: CITIES,
      precisions: [4, 5, 6, 7, 8],
      heartbeatSeconds: 15,
      minCellDrivers: 1,
      messageBytes: 32_000,
      now: Date.now,
      ...options,
    }
    this.state = new Map(this.options.cities.map(({ name }) => [name, new FakeCity(this.options.precisions)]))
    const host = this
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols?: string[]) {
        super(host, url, protocols)
        host.shakeHands(this)
      }
    }
  }

  /** Tells clients whether the host answers, as their `probe`. */
  readonly probe: Probe = () => Promise.resolve(this.isDown ? 'unreachable' : 'reachable')

  city(name: string): FakeCity {
    const city = this.state.get(name)
    if (!city) throw new RangeError(`city: expected one of ${[...this.state.keys()].join(', ')}, got ${name}`)
    return city
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = [...this.sockets].at(-1)
    if (!socket) throw new Error('no connection is open')
    return socket
  }

  /** Sends each viewport what has changed since the last frame; nothing where nothing has. */
  tick(): void {
    for (const watched of this.watched()) this.sendChanges(watched)
  }

  /** As `tick`, and a heartbeat to each viewport in which nothing has changed. */
  heartbeat(): void {
    for (const watched of this.watched()) {
      if (this.sendChanges(watched)) continue
      const head = { type: 'heartbeat', ...this.momentOf(watched), prev: this.prevOf(watched) }
      this.sendTo(watched, () => [head])
    }
  }

  /** The next message with that action fails: with an error, or as when API Gateway itself answers. */
  failNext(action: ClientMessage['action'], failure: Failure): void {
    this.failures.push({ action, failure })
  }

  /** Delivers what is held. */
  deliver(): void {
    for (const socket of [...this.sockets]) socket.deliver()
  }

  /** Cuts all connections; what was not delivered is lost. */
  cut(): void {
    for (const socket of [...this.sockets]) socket.cut()
  }

  /** Loses all that is known of who watches what, while the connections stay. */
  forgetViewers(): void {
    for (const { watched } of this.sockets) watched.clear()
  }

  left(socket: FakeSocket): void {
    this.sockets.delete(socket)
  }

  hear(socket: FakeSocket, text: string): void {
    let fields: unknown
    try {
      fields = JSON.parse(text)
    } catch {
      fields = null
    }
    if (this.isMute) return
    if (typeof fields !== 'object' || fields === null) {
      socket.push({ type: 'error', action: '$default', code: 'not_json', message: 'message: expected a JSON object' })
      return
    }
    this.received.push(fields as ClientMessage)
    this.answer(socket, fields as Readonly<Record<string, unknown>>)
  }

  private shakeHands(socket: FakeSocket): void {
    this.handshakes += 1
    queueMicrotask(() => {
      if (socket.isClosedByClient || !this.shakesHands) return
      if (this.isDown || (this.tokens && !this.tokens.has(socket.token))) return socket.cut()
      this.sockets.add(socket)
      socket.opened()
    })
  }

  private answer(socket: FakeSocket, fields: Readonly<Record<string, unknown>>): void {
    const { action } = fields
    const id = typeof fields['id'] === 'string' ? { id: fields['id'] } : {}
    const index = this.failures.findIndex((each) => each.action === action)
    const failure = this.failures.splice(index, index < 0 ? 0 : 1)[0]?.failure
    try {
      if (failure === 'gateway')
        return socket.push({ message: 'Internal server error', connectionId: 'c1', requestId: 'r1' })
      if (failure) throw new Refused(failure.code, failure.message)
      this.perform(socket, requestIn(fields, this.options.cities, this.options.precisions), id)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const { code, message } = error
      socket.push({ type: 'error', action: code === 'unknown_action' ? '$default' : action, ...id, code, message })
    }
  }

  private perform(socket: FakeSocket, request: Request, id: { id?: string }): void {
    const ack = { type: 'ack', action: request.action, ...id }
    switch (request.action) {
      case 'subscribe':
        this.subscribe(socket, request.watched, request.since, request.encoding, ack)
        break
      case 'unsubscribe':
        if (!socket.watched.delete(request.subscription)) {
          throw new Refused('unknown_subscription', `subscription: there is no ${request.subscription}`)
        }
        socket.push({ ...ack, subscription: request.subscription })
        break
      case 'hello':
        socket.push({ ...ack, cities: this.options.cities, precisions: this.options.precisions, connection_id: 'c1' })
        break
      default:
        socket.push({ ...ack, accepted: request.pings, rejected: [] })
    }
  }

  private subscribe(socket: FakeSocket, watched: Watched, since: Since | null, encoding: Encoding, ack: object): void {
    const { subscription, precision, tiles } = watched
    if (!socket.watched.has(subscription) && socket.watched.size >= MOST_SUBSCRIPTIONS) {
      throw new Refused('too_many_subscriptions', `subscriptions: expected at most ${MOST_SUBSCRIPTIONS}`)
    }
    const city = this.city(watched.city)
    const { epoch, rev } = city
    if (!this.isWatched(subscription)) this.sent.set(subscription, { ...watched, epoch, rev })
    socket.watched.set(subscription, encoding)
    const { heartbeatSeconds: heartbeat_seconds, minCellDrivers: min_cell_drivers } = this.options
    socket.push({ ...ack, subscription, epoch, rev, heartbeat_seconds, min_cell_drivers })
    const moment = this.momentOf(watched)
    const [head, cells] =
      since && city.canResume(since)
        ? [{ type: 'delta', ...moment, prev: since.rev }, city.changes(precision, tiles, since.rev)]
        : [{ type: 'snapshot', ...moment }, city.snapshot(precision, tiles)]
    for (const message of this.messages(head, cells, encoding)) socket.push(message)
  }

  private isWatched(subscription: string): boolean {
    return [...this.sockets].some(({ watched }) => watched.has(subscription))
  }

  private watched(): Sent[] {
    return this.isMute ? [] : [...this.sent.values()].filter(({ subscription }) => this.isWatched(subscription))
  }

  /** Whether there were any. */
  private sendChanges(watched: Sent): boolean {
    const prev = this.prevOf(watched)
    const cells = this.city(watched.city).changes(watched.precision, watched.tiles, prev)
    if (Object.keys(cells).length === 0) return false
    const head = { type: 'delta', ...this.momentOf(watched), prev }
    this.sendTo(watched, (encoding) => this.messages(head, cells, encoding))
    return true
  }

  private sendTo(watched: Sent, make: (encoding: Encoding) => object[]): void {
    for (const socket of this.sockets) {
      const encoding = socket.watched.get(watched.subscription)
      if (encoding) for (const message of make(encoding)) socket.push(message)
    }
    const { epoch, rev } = this.city(watched.city)
    this.sent.set(watched.subscription, { ...watched, epoch, rev })
  }

  /** The revision of the frame before; in a new life of the city there is none. */
  private prevOf({ city, epoch, rev }: Sent): number {
    return epoch === this.city(city).epoch ? rev : 0
  }

  private momentOf({ subscription, city, precision }: Watched): object {
    const { epoch, rev, drivers } = this.city(city)
    const as_of = new Date(this.options.now()).toISOString()
    return { subscription, city, precision, epoch, rev, as_of, lag_ms: 40, drivers }
  }

  private messages(head: object, tiles: Tiles, encoding: Encoding): object[] {
    return messagesOf(head, tiles, encoding, this.options.messageBytes)
  }
}
