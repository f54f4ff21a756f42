/** What the socket brings, read and handed on in the order in which it came, although packed frames take a while. */

import { frameOf, type Frame } from './frame.js'
import { decode, ProtocolError, type FrameMessage, type ServerMessage } from './protocol.js'

/** A message that is not a frame, or the frame in one. */
export type Received = Frame | Exclude<ServerMessage, FrameMessage>

/** The place of a message in the queue; `undefined` until it has been read, null where there was nothing to read. */
interface Slot {
  received: Received | null | undefined
}

export class Inbox {
  private slots: Slot[] = []
  private waiters: (() => void)[] = []
  private readonly onReceived: (received: Received) => void
  private readonly onProblem: (error: ProtocolError) => void

  constructor(onReceived: (received: Received) => void, onProblem: (error: ProtocolError) => void) {
    this.onReceived = onReceived
    this.onProblem = onProblem
  }

  /** Takes whatever a socket can bring. What breaks the protocol is told, and otherwise as if it had been lost. */
  receive(data: unknown): void {
    const slot: Slot = { received: undefined }
    this.slots.push(slot)
    const fill = (received: Received | null) => {
      slot.received = received
      this.drain()
    }
    const fail = (error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error
      this.onProblem(error)
      fill(null)
    }
    try {
      const received = read(data)
      if (received instanceof Promise) received.then(fill, fail)
      else fill(received)
    } catch (error) {
      fail(error)
    }
  }

  /** Forgets what has not been handed on: it belongs to a connection that is gone. */
  clear(): void {
    this.slots = []
    this.drain()
  }

  /** Resolves when everything that has come so far was handed on. */
  settled(): Promise<void> {
    if (this.slots.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.waiters.push(resolve))
  }

  private drain(): void {
    while (this.slots.length > 0 && this.slots[0]?.received !== undefined) {
      const { received } = this.slots.shift() as Slot
      if (received) this.onReceived(received)
    }
    if (this.slots.length === 0) for (const resolve of this.waiters.splice(0)) resolve()
  }
}

function read(data: unknown): Received | null | Promise<Received> {
  if (typeof data !== 'string') throw new ProtocolError('message: expected text, got something binary')
  const message = decode(data)
  switch (message?.type) {
    case 'snapshot':
    case 'delta':
    case 'heartbeat':
      return frameOf(message)
    default:
      return message
  }
}
