/**
 * A server in the same process: the truth about one city, and sockets whose deliveries a test loses, doubles or shuffles.
 * Its answers follow the protocol to the letter, with one part per tile, so that parts are always exercised.
 */

import type { Socket } from '../src/connection'
import type { ClientMessage, Since } from '../src/protocol'

export const CITY = 'lagos'
export const PRECISION = 7
export const TILES = ['s14mh', 's14mk', 's14ms', 's14mu'] as const
export const SUBSCRIPTION = `${CITY}/${PRECISION}/s14mh-s14mu`

interface Cell {
  count: number
  rev: number
}

export class FakeSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  readonly sent: ClientMessage[] = []
  readonly queue: string[] = []
  closedByPage = false
  private readonly server: FakeServer

  constructor(server: FakeServer) {
    this.server = server
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage
    this.sent.push(message)
    this.server.answer(this, message)
  }

  close(): void {
    this.closedByPage = true
    this.server.forget(this)
  }

  /** Delivers what the server has sent, in the order that `arrange` makes of it. */
  flush(arrange: (messages: string[]) => string[] = (messages) => messages): void {
    for (const text of arrange(this.queue.splice(0))) this.receive(text)
  }

  /** The page gets a text, whatever it is. */
  receive(data: string): void {
    this.onmessage?.(new MessageEvent('message', { data }))
  }

  opened(): void {
    this.onopen?.(new Event('open'))
  }

  closed(): void {
    this.onclose?.(new Event('close') as CloseEvent)
  }
}

export class FakeServer {
  epoch = 'k3f'
  rev = 100
  accepts = true
  /** Resuming from before this revision is answered by a snapshot. */
  oldestSince = 0
  readonly sockets: FakeSocket[] = []
  private readonly watching = new Set<FakeSocket>()
  private readonly cells = new Map<string, Cell>()
  private readonly tileRevs = new Map<string, number>()

  /** What a page opens its sockets with. */
  readonly open = (): FakeSocket => {
    const socket = new FakeSocket(this)
    this.sockets.push(socket)
    queueMicrotask(() => (this.accepts ? socket.opened() : socket.closed()))
    return socket
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('no connection was opened')
    return socket
  }

  /** The cells that hold drivers, sorted. */
  truth(): [string, number][] {
    return [...this.cells].filter(([, { count }]) => count > 0).map(([cell, { count }]): [string, number] => [cell, count]).sort()
  }

  drivers(): number {
    return this.truth().reduce((sum, [, count]) => sum + count, 0)
  }

  /** Sets counts and sends the delta to whoever watches. */
  change(counts: Record<string, number>): void {
    this.rev += 1
    const tiles: Record<string, Record<string, number>> = {}
    for (const [cell, count] of Object.entries(counts)) {
      this.cells.set(cell, { count, rev: this.rev })
      ;(tiles[cell.slice(0, -2)] ??= {})[cell.slice(-2)] = count
    }
    const prev = Object.fromEntries(Object.keys(tiles).map((tile) => [tile, this.tileRevs.get(tile) ?? 0]))
    for (const tile of Object.keys(tiles)) this.tileRevs.set(tile, this.rev)
    this.broadcast({ ...this.stamp('delta'), tiles, prev })
  }

  heartbeat(): void {
    this.broadcast(this.stamp('heartbeat'))
  }

  /** A new life of the city's state: revisions begin again. */
  rebirth(epoch: string): void {
    this.epoch = epoch
    this.rev = 1
    this.cells.clear()
    this.tileRevs.clear()
  }

  /** Cuts the newest connection; what was not delivered is lost. */
  cut(): void {
    const { socket } = this
    this.forget(socket)
    socket.closed()
  }

  forget(socket: FakeSocket): void {
    this.watching.delete(socket)
    socket.queue.length = 0
  }

  answer(socket: FakeSocket, message: ClientMessage): void {
    if (message.action === 'unsubscribe') {
      this.watching.delete(socket)
      this.push(socket, { type: 'ack', action: 'unsubscribe', subscription: message.subscription })
      return
    }
    this.watching.add(socket)
    const { since } = message
    this.push(socket, { type: 'ack', action: 'subscribe', subscription: SUBSCRIPTION, epoch: this.epoch, rev: this.rev })
    const resumes = since?.epoch === this.epoch && since.rev >= this.oldestSince
    for (const part of resumes ? this.resumed(since) : this.snapshot()) this.push(socket, part)
  }

  private snapshot(): object[] {
    return TILES.map((tile, i) => ({
      ...this.stamp('snapshot'),
      subscription: SUBSCRIPTION,
      part: i + 1,
      parts: TILES.length,
      tiles: this.fragment(tile, ({ count }) => count > 0),
    }))
  }

  private resumed(since: Since): object[] {
    return TILES.map((tile, i) => {
      const tiles = this.fragment(tile, ({ rev }) => rev > since.rev)
      const prev = Object.fromEntries(Object.keys(tiles).map((name) => [name, since.rev]))
      return { ...this.stamp('delta'), resumed: true, subscription: SUBSCRIPTION, part: i + 1, parts: TILES.length, tiles, prev }
    })
  }

  private fragment(tile: string, takes: (cell: Cell) => boolean): Record<string, Record<string, number>> {
    const taken = [...this.cells].filter(([name, cell]) => name.startsWith(tile) && takes(cell))
    return taken.length > 0 ? { [tile]: Object.fromEntries(taken.map(([name, { count }]) => [name.slice(-2), count])) } : {}
  }

  private stamp(type: string): object {
    const { epoch, rev } = this
    const drivers = this.drivers()
    return { type, city: CITY, precision: PRECISION, epoch, rev, as_of: '2026-01-01T00:00:00.000Z', lag_ms: 40, drivers }
  }

  private broadcast(message: object): void {
    for (const socket of this.watching) this.push(socket, message)
  }

  private push(socket: FakeSocket, message: object): void {
    socket.queue.push(JSON.stringify(message))
  }
}
