/** Any number of viewports watched over one connection. */

import { systemClock, type Clock } from './clock.js'
import { Connection, type Link, type SocketConstructor, type Token } from './connection.js'
import { Departures } from './departures.js'
import type { Frame } from './frame.js'
import { Greeting } from './greeting.js'
import { hostProbe } from './host-probe.js'
import { Inbox, type Received } from './inbox.js'
import { supportsDeflate } from './packed.js'
import {
  ProtocolError,
  type Encoding,
  type ErrorMessage,
  type Hello,
  type SubscribeAck,
  type Viewport,
} from './protocol.js'
import type { Line } from './question.js'
import type { Probe } from './doubts.js'
import { Subscription, tell, type HeatView, type Refusal, type Watcher } from './subscription.js'

export interface ClientOptions {
  /** The WebSocket's address, ws: or wss:, without the token. */
  url: string
  /** A viewer's token, or what gives one: it is asked before each attempt to connect. */
  token: Token
  /** How frames are written; by default `deflate`, a quarter of the bytes, where the platform can read it. */
  encoding?: Encoding
  onLink?: (link: Link) => void
  /** What is wrong with the server's messages, `token` or `probe`: worth a line in a log. The client goes on. */
  onProblem?: (error: Error) => void
  /** Tells a refused token from a server that is down; by default by asking the host for anything over HTTP. */
  probe?: Probe
  WebSocket?: SocketConstructor
  clock?: Clock
  random?: () => number
}

/** What was received since the client was made. */
export interface Traffic {
  readonly messages: number
  readonly bytes: number
}

export interface Watch {
  /** What the viewport shows now. */
  readonly view: HeatView
  /** Ends it; nothing more is called back. The last one of a viewport unsubscribes from it. */
  close(): void
}

// Frames that came before we know whose they are; a whole city's snapshot is a dozen.
const MOST_STRAYS = 256

const utf8 = new TextEncoder()

export class HeatmapClient {
  private readonly subscriptions = new Set<Subscription>()
  private strays: Frame[] = []
  private readonly received = { messages: 0, bytes: 0 }
  private readonly connection: Connection
  private readonly inbox: Inbox
  private readonly line: Line
  private readonly departures: Departures
  private readonly greeting: Greeting
  private readonly encoding: Encoding
  private readonly onProblem: (error: Error) => void
  private isClosed = false

  /** Begins to connect at once. Throws TypeError when `url` is none. */
  constructor(options: ClientOptions) {
    const { url, token, onLink, onProblem, clock = systemClock, random = Math.random } = options
    if (!/^wss?:$/.test(new URL(url).protocol)) throw new TypeError(`url: expected ws: or wss:, got ${url}`)
    this.encoding = options.encoding ?? (supportsDeflate() ? 'deflate' : 'json')
    this.onProblem = (error) => tell(() => onProblem?.(error))
    this.inbox = new Inbox((received) => this.handle(received), this.onProblem)
    this.connection = new Connection({
      url,
      token,
      WebSocket: options.WebSocket ?? WebSocket,
      clock,
      random,
      probe: options.probe ?? hostProbe(url),
      onLink: (link) => tell(() => onLink?.(link)),
      onOpen: () => this.ask(),
      onLost: () => this.lost(),
      onData: (data) => this.receive(data),
      onProblem: this.onProblem,
    })
    this.line = lineOf(this.connection, this.received, clock, random)
    this.departures = new Departures(this.line)
    this.greeting = new Greeting(this.line)
    this.connection.start()
  }

  get link(): Link {
    return this.connection.link
  }

  /** When the next attempt to connect begins, on the clock of `performance.now()`; null if none is waited for. */
  get retryAt(): number | null {
    return this.connection.retryAt
  }

  get traffic(): Traffic {
    return this.received
  }

  /**
   * Keeps a viewport in step. `onView` gets what it shows, first when its snapshot is complete and then after every
   * change; `onRefused` ends the watch. Those who watch the same viewport share one subscription.
   */
  watch(viewport: Viewport, onView: (view: HeatView) => void, onRefused: (refusal: Refusal) => void): Watch {
    if (this.isClosed) throw new Error('watch: the client is closed')
    const subscription = this.subscriptionTo(viewport)
    const watcher: Watcher = { view: subscription.view, onView, onRefused }
    const ofWatcher = () => this.find(({ watchers }) => watchers.has(watcher))
    subscription.watchers.add(watcher)
    // Never before `watch` has returned: who is called may want to close it.
    queueMicrotask(() => ofWatcher()?.show(watcher))
    return {
      get view() {
        return watcher.view
      },
      close: () => {
        ofWatcher()?.watchers.delete(watcher)
        this.leaveUnwatched()
      },
    }
  }

  /** What the server offers. Fails with Error when it is refused, or the client closed before it was answered. */
  hello(): Promise<Hello> {
    if (this.isClosed) return Promise.reject(new Error('hello: the client is closed'))
    return this.greeting.hello()
  }

  /**
   * Reconnects now: the browser says that it is online, or a new token was entered. Where there is a connection, it is
   * asked for what has changed, which also tells whether it still lives.
   */
  retry(): void {
    if (this.isClosed) return
    if (this.link === 'connected') this.ask()
    else this.connection.retry()
  }

  /** Ends the connection and all watches. */
  close(): void {
    this.isClosed = true
    this.connection.stop()
    this.lost()
    this.subscriptions.clear()
    this.greeting.fail('the client was closed')
  }

  /** Resolves when all that has been received is applied: packed frames take a moment. */
  settled(): Promise<void> {
    return this.inbox.settled()
  }

  private find(fits: (subscription: Subscription) => boolean): Subscription | undefined {
    for (const subscription of this.subscriptions) if (fits(subscription)) return subscription
    return undefined
  }

  private subscriptionTo(viewport: Viewport): Subscription {
    const known = this.find((subscription) => subscription.shows(viewport))
    if (known) return known
    const subscription = new Subscription(viewport, this.encoding, this.line)
    this.subscriptions.add(subscription)
    if (this.link === 'connected') subscription.ask()
    return subscription
  }

  private ask(): void {
    for (const subscription of this.subscriptions) subscription.ask()
    this.greeting.ask()
  }

  private lost(): void {
    this.inbox.clear()
    this.strays = []
    this.departures.clear()
    this.greeting.lost()
    for (const subscription of this.subscriptions) subscription.lost()
    this.leaveUnwatched()
  }

  private receive(data: unknown): void {
    this.received.messages += 1
    if (typeof data === 'string') this.received.bytes += utf8.encode(data).length
    this.inbox.receive(data)
  }

  private handle(received: Received): void {
    switch (received.type) {
      case 'ack':
        if (received.action === 'subscribe') this.subscribed(received)
        else if (received.action === 'unsubscribe') this.unsubscribed(received.subscription)
        else this.greeting.answer(received)
        break
      case 'error':
        this.failed(received)
        break
      case 'gateway':
        // It does not say what it could not do: it may be any question that is not answered.
        this.onProblem(new ProtocolError(`API Gateway: ${received.message}`))
        for (const subscription of this.subscriptions) if (subscription.awaitsAck) subscription.askAgain()
        this.greeting.askAgain()
        break
      default:
        this.route(received)
    }
  }

  private route(frame: Frame): void {
    const subscription = this.find(({ name }) => name === frame.subscription)
    if (subscription) subscription.take(frame)
    else if (this.find(({ awaitsAck }) => awaitsAck)) this.strays = [...this.strays, frame].slice(-MOST_STRAYS)
    else this.departures.heard(frame.subscription)
  }

  private subscribed(ack: SubscribeAck): void {
    const subscription = this.find((each) => each.owns(ack.id))
    if (!subscription) return
    const same = this.find((each) => each !== subscription && each.name === ack.subscription)
    if (same) {
      this.subscriptions.delete(subscription)
      same.adopt(subscription)
    } else {
      subscription.acknowledge(ack)
    }
    const strays = this.strays
    this.strays = []
    for (const frame of strays) this.route(frame)
    this.leaveUnwatched()
  }

  private unsubscribed(name: string): void {
    this.departures.acknowledged(name)
    // It may be wanted again since, and who knows in which order the server took the two.
    this.find((subscription) => subscription.name === name)?.askAgain()
  }

  private failed({ id, action, code, message }: ErrorMessage): void {
    const subscription = this.find((each) => each.owns(id))
    // `expired`: the server is about to end the connection, and the next one has a new token.
    const isPassing =
      code === 'unavailable' ||
      code === 'expired' ||
      (code === 'too_many_subscriptions' && this.departures.isUnderWay)
    if (subscription) {
      if (isPassing && subscription.watchers.size > 0) subscription.askAgain()
      else this.refuse(subscription, { code, message })
    } else if (this.greeting.owns(id)) {
      if (isPassing) this.greeting.askAgain()
      else this.greeting.fail(`${message} (${code})`)
    } else if (!this.departures.failed(id)) {
      this.onProblem(new ProtocolError(`${action}: ${message} (${code})`))
    }
  }

  private refuse(subscription: Subscription, refusal: Refusal): void {
    this.subscriptions.delete(subscription)
    if (subscription.name !== null) this.departures.leave(subscription.name)
    subscription.refuse(refusal)
  }

  /**
   * Leaves what nobody watches any more; but not while its own name is awaited, nor that of another which may turn out
   * to be the same, since the server would end what has just begun.
   */
  private leaveUnwatched(): void {
    for (const subscription of this.subscriptions) {
      const { name, viewport, watchers } = subscription
      if (watchers.size > 0) continue
      const mayBeSame = ({ awaitsAck, viewport: { city, precision } }: Subscription) =>
        awaitsAck && city === viewport.city && precision === viewport.precision
      if (this.find(mayBeSame)) continue
      this.subscriptions.delete(subscription)
      subscription.close()
      if (name !== null) this.departures.leave(name)
    }
  }
}

function lineOf(connection: Connection, received: Traffic, clock: Clock, random: () => number): Line {
  let lastId = 0
  return {
    clock,
    random,
    get heard() {
      return received.messages
    },
    send(action) {
      const id = String(++lastId)
      return connection.send(JSON.stringify({ id, ...action })) ? id : null
    },
    replace: () => connection.replace(),
  }
}
