/**
 * The socket: it opens, comes back after a loss, and stops where the token is refused. What is said on it is not its
 * business.
 */

import { Backoff, type Delays } from './backoff.js'
import type { Clock } from './clock.js'
import { Doubts, type Probe } from './doubts.js'

/**
 * `connecting` until the first attempt has ended; `reconnecting` from then on whenever there is no connection, until it
 * succeeds; `refused` when the token is not accepted, and nothing more is tried until `retry()`.
 */
export type Link = 'connecting' | 'connected' | 'reconnecting' | 'refused'

export type Token = string | (() => string | Promise<string>)

/** The part of a WebSocket that is used: that of browsers and of Node has it, as has that of the package `ws`. */
export interface Socket {
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: () => void): void
  send(text: string): void
  close(): void
}

export type SocketConstructor = new (url: string, protocols?: string[]) => Socket

export interface ConnectionOptions {
  /** ws: or wss:, without the token. */
  url: string
  token: Token
  WebSocket: SocketConstructor
  clock: Clock
  random: () => number
  probe: Probe
  onLink: (link: Link) => void
  /** There is a new connection: what was said on others is forgotten. */
  onOpen: () => void
  onLost: () => void
  onData: (data: unknown) => void
  /** No socket could be made at all, or no token; or the probe has failed. */
  onProblem: (error: Error) => void
}

export const DELAYS: Delays = { least: 100, first: 1_000, longest: 20_000 }
/** What is offered as a subprotocol, with the token behind it: a browser can set no other header. */
const SUBPROTOCOL = 'fleetglow'
/** RFC 9110, section 5.6.2: what a subprotocol may consist of. Every JWT does. */
const NAME_OF_SUBPROTOCOL = /^[\w!#$%&'*+\-.^`|~]+$/
/** A handshake may have to wait for a function's cold start, but not for longer than this. */
export const HANDSHAKE_MS = 10_000

export class Connection {
  link: Link = 'connecting'
  /** When the next attempt begins, on the clock's `now()`; null if none is waited for. */
  retryAt: number | null = null

  private socket: Socket | null = null
  private isOpen = false
  /** Counts the attempts, so that what belongs to an earlier one is told apart. */
  private attempt = 0
  private timer: unknown
  private readonly options: ConnectionOptions
  private readonly backoff: Backoff
  private readonly doubts: Doubts

  constructor(options: ConnectionOptions) {
    this.options = options
    this.backoff = new Backoff(DELAYS, options.random)
    this.doubts = new Doubts(options.probe)
  }

  start(): void {
    // Who is told has only just made the client, and may want to use it.
    queueMicrotask(() => this.options.onLink(this.link))
    void this.connect()
  }

  stop(): void {
    this.drop()
  }

  /** Whether it was sent: only an open connection does. */
  send(text: string): boolean {
    if (this.isOpen) this.socket?.send(text)
    return this.isOpen
  }

  /** Tries at once instead of after the delay, with a new token where there is one. An open connection stays. */
  retry(): void {
    if (this.isOpen) return
    this.drop()
    this.backoff.reset()
    this.doubts.reset()
    if (this.link === 'refused') this.tell('connecting')
    void this.connect()
  }

  /** The connection is dead, though it has not been closed: open another. */
  replace(): void {
    if (!this.isOpen) return
    this.drop()
    this.options.onLost()
    this.comeBack()
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt
    const { token: source, onProblem } = this.options
    this.retryAt = null
    let token: string
    let socket: Socket
    try {
      token = typeof source === 'function' ? await source() : source
      if (attempt !== this.attempt) return
      socket = this.opened(token)
    } catch (error) {
      if (attempt !== this.attempt) return
      onProblem(errorOf(error))
      this.comeBack()
      return
    }
    this.listen(socket, token, attempt)
  }

  private listen(socket: Socket, token: string, attempt: number): void {
    const isCurrent = () => attempt === this.attempt
    let hasSpoken = false
    this.socket = socket
    this.timer = this.options.clock.setTimeout(() => {
      this.drop()
      void this.handshakeFailed(token)
    }, HANDSHAKE_MS)
    socket.addEventListener('open', () => {
      if (!isCurrent()) return
      this.options.clock.clearTimeout(this.timer)
      this.isOpen = true
      this.doubts.accepted(token)
      this.tell('connected')
      this.options.onOpen()
    })
    socket.addEventListener('message', ({ data }) => {
      if (!isCurrent()) return
      // Only a server that speaks ends the backoff: one that accepts and closes at once must not be hammered.
      if (!hasSpoken) this.backoff.reset()
      hasSpoken = true
      this.options.onData(data)
    })
    socket.addEventListener('close', () => {
      if (!isCurrent()) return
      const wasOpen = this.isOpen
      this.drop()
      if (wasOpen) {
        this.options.onLost()
        this.comeBack()
      } else {
        void this.handshakeFailed(token)
      }
    })
    // A close follows; but some implementations throw where nobody listens.
    socket.addEventListener('error', () => {})
  }

  private async handshakeFailed(token: string): Promise<void> {
    const { attempt } = this
    let isRefused = false
    this.tell('reconnecting')
    try {
      isRefused = await this.doubts.isRefused(token)
    } catch (error) {
      this.options.onProblem(errorOf(error))
    }
    if (attempt !== this.attempt) return
    if (isRefused) this.tell('refused')
    else this.comeBack()
  }

  private comeBack(): void {
    const { clock } = this.options
    const delay = this.backoff.next()
    this.retryAt = clock.now() + delay
    this.timer = clock.setTimeout(() => void this.connect(), delay)
    this.tell('reconnecting')
  }

  /** Ends the attempt or connection that there is, and whatever is waited for. */
  private drop(): void {
    const { socket } = this
    this.attempt += 1
    this.options.clock.clearTimeout(this.timer)
    this.retryAt = null
    this.socket = null
    this.isOpen = false
    socket?.close()
  }

  /** A URL is shown in consoles and kept in logs, so the token is only in it where it cannot be anywhere else. */
  private opened(token: string): Socket {
    const { url, WebSocket } = this.options
    if (NAME_OF_SUBPROTOCOL.test(token)) return new WebSocket(url, [SUBPROTOCOL, token])
    const withToken = new URL(url)
    withToken.searchParams.set('token', token)
    return new WebSocket(withToken.href)
  }

  private tell(link: Link): void {
    if (link === this.link) return
    this.link = link
    this.options.onLink(link)
  }
}

/** Whatever a function of the caller's has thrown. */
const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
