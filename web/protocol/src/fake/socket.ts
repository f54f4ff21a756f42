import type { Socket } from '../connection.js'
import type { Encoding } from '../protocol.js'

/** What the server side of a socket does. */
export interface Host {
  isHeld: boolean
  network: (texts: string[]) => string[]
  hear(socket: FakeSocket, text: string): void
  left(socket: FakeSocket): void
}

type Listener = (event: { data: unknown }) => void

/** One connection. What the server sends is delivered a moment later, all that was sent until then at once. */
export class FakeSocket implements Socket {
  readonly url: string
  /** What it came with, "" for none. */
  readonly token: string
  /** What it watches, by the names of subscriptions. */
  readonly watched = new Map<string, Encoding>()
  /** Whether the client hung up. */
  isClosedByClient = false
  private isClosed = false
  private outbox: string[] = []
  private readonly listeners = new Map<string, Listener[]>()
  private readonly host: Host

  constructor(host: Host, url: string, protocols: readonly string[] = []) {
    this.host = host
    this.url = url
    this.token = protocols[1] ?? new URL(url).searchParams.get('token') ?? ''
  }

  addEventListener(type: string, listener: Listener): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener])
  }

  /** The client says something. */
  send(text: string): void {
    if (!this.isClosed) this.host.hear(this, text)
  }

  /** The client hangs up. */
  close(): void {
    this.isClosedByClient = true
    this.end()
  }

  /** The handshake succeeded. */
  opened(): void {
    if (!this.isClosed) this.dispatch('open')
  }

  /** The connection ends, and what was not delivered is lost; before it opened, the handshake has failed. */
  cut(): void {
    this.dispatch('error')
    this.end()
  }

  /** The server says something. */
  push(message: object): void {
    this.outbox.push(JSON.stringify(message))
    if (!this.host.isHeld) queueMicrotask(() => this.host.isHeld || this.deliver())
  }

  /** Delivers what the server has said until now, as the network makes of it. */
  deliver(): void {
    for (const text of this.host.network(this.outbox.splice(0))) this.receive(text)
  }

  /** The client gets this, whatever it is; after it hung up as well, as with some implementations. */
  receive(data: unknown): void {
    this.dispatch('message', data)
  }

  private end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.outbox = []
    this.host.left(this)
    this.dispatch('close')
  }

  private dispatch(type: string, data?: unknown): void {
    for (const listener of this.listeners.get(type) ?? []) listener({ data })
  }
}
