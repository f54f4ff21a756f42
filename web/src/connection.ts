/** The socket: it opens, notices when it is dead, and comes back. What is said on it is not its business. */

import type { ClientMessage } from './protocol'

/** What the page tells of the connection; `offline` after several attempts in a row have failed. It never gives up. */
export type Link = 'connecting' | 'connected' | 'reconnecting' | 'offline'

/** The part of a WebSocket that is used, so that tests can do without a network. */
export interface Socket {
  onopen: ((event: Event) => unknown) | null
  onmessage: ((event: MessageEvent<unknown>) => unknown) | null
  onclose: ((event: CloseEvent) => unknown) | null
  send(text: string): void
  close(): void
}

export interface ConnectionOptions {
  open: () => Socket
  onLink: (link: Link) => void
  /** Called on each new connection: here is where one subscribes again. */
  onOpen: () => void
  onText: (text: string) => void
  random?: () => number
}

export const FIRST_DELAY_MS = 500
export const LONGEST_DELAY_MS = 20_000
export const ATTEMPTS_UNTIL_OFFLINE = 4
/** Until the server tells how often it says something: after so long a silence it is dead, or has lost all it knew of us. */
export const SILENCE_MS = 22_500

export class Connection {
  private socket: Socket | null = null
  private isOpen = false
  private failures = 0
  private silenceMs = SILENCE_MS
  private everOpen = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private watchdog: ReturnType<typeof setTimeout> | undefined
  private readonly options: ConnectionOptions

  constructor(options: ConnectionOptions) {
    this.options = options
  }

  start(): void {
    this.options.onLink('connecting')
    this.connect()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.drop()
  }

  /** Tries at once instead of after the delay: the network came back, or the page was looked at again. */
  retryNow(): void {
    if (this.socket || this.timer === undefined) return
    clearTimeout(this.timer)
    this.connect()
  }

  /** The server says something at least so often; half as long again without is a silence to act on. */
  expectEvery(seconds: number): void {
    this.silenceMs = seconds * 1_500
    this.watch()
  }

  /** Sends a message if connected; otherwise it is dropped, since `onOpen` says everything anew. */
  send(message: ClientMessage): void {
    if (this.isOpen) this.socket?.send(JSON.stringify(message))
  }

  private connect(): void {
    this.timer = undefined
    const socket = this.options.open()
    this.socket = socket
    this.watch()
    socket.onopen = () => {
      this.isOpen = true
      this.everOpen = true
      this.watch()
      this.options.onLink('connected')
      this.options.onOpen()
    }
    socket.onmessage = ({ data }) => {
      // Only a server that speaks ends the backoff: one that accepts and closes at once must not be hammered.
      this.failures = 0
      this.watch()
      if (typeof data === 'string') this.options.onText(data)
    }
    socket.onclose = () => this.retry()
  }

  /** A dead connection, or one that never opens, may not close by itself for minutes. */
  private watch(): void {
    clearTimeout(this.watchdog)
    this.watchdog = setTimeout(() => {
      this.drop()
      this.retry()
    }, this.silenceMs)
  }

  private drop(): void {
    clearTimeout(this.watchdog)
    const socket = this.socket
    this.socket = null
    this.isOpen = false
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }

  private retry(): void {
    clearTimeout(this.watchdog)
    this.socket = null
    this.isOpen = false
    this.failures += 1
    this.options.onLink(this.failures >= ATTEMPTS_UNTIL_OFFLINE ? 'offline' : this.everOpen ? 'reconnecting' : 'connecting')
    // Half of the delay is random, so that viewers cut off together do not come back together.
    const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.failures - 1))
    this.timer = setTimeout(() => this.connect(), most * (0.5 + 0.5 * (this.options.random ?? Math.random)()))
  }
}
