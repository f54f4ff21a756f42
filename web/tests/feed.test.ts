import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ATTEMPTS_UNTIL_OFFLINE, FIRST_DELAY_MS, LONGEST_DELAY_MS, SILENCE_MS, type Link } from '../src/connection'
import { ANSWER_MS, Feed } from '../src/feed'
import type { Refusal } from '../src/protocol'
import { cellsOf, emptyField, type Field } from '../src/state'
import { CITY, FakeServer, PRECISION, TILES } from './fake-server'

let server: FakeServer
let feed: Feed
let field: Field
let links: Link[]
let refusals: Refusal[]

beforeEach(() => {
  vi.useFakeTimers()
  server = new FakeServer()
  field = emptyField(CITY, PRECISION)
  links = []
  refusals = []
  feed = new Feed(CITY, PRECISION, server.open, {
    onLink: (link) => links.push(link),
    onField: (next) => (field = next),
    onNews: () => {},
    onRefusal: (refusal) => refusals.push(refusal),
  })
})

afterEach(() => {
  feed.stop()
  vi.useRealTimers()
})

const shown = () => [...cellsOf(field)].sort()
const subscribes = () => server.sockets.flatMap(({ sent }) => sent.filter(({ action }) => action === 'subscribe'))
const settle = () => vi.advanceTimersByTimeAsync(0)

async function start(): Promise<void> {
  feed.start()
  await settle()
  server.socket.flush()
}

async function comeBack(delay = FIRST_DELAY_MS): Promise<void> {
  await vi.advanceTimersByTimeAsync(delay)
  server.socket.flush()
}

test('a snapshot shows every cell once all its parts are in', async () => {
  server.change({ s14mk2x: 3, s14ms31: 1 })
  feed.start()
  await settle()
  server.socket.flush((messages) => messages.slice(0, -1))
  expect(shown()).toEqual([])
  vi.advanceTimersByTime(ANSWER_MS)
  server.socket.flush()
  expect(shown()).toEqual([['s14mk2x', 3], ['s14ms31', 1]])
})

test('a delta sets its cells, and a zero empties one', async () => {
  server.change({ s14mk2x: 3, s14mk31: 1 })
  await start()
  server.change({ s14mk2x: 4, s14mk31: 0 })
  server.socket.flush()
  expect(shown()).toEqual([['s14mk2x', 4]])
  expect(field.drivers).toBe(4)
  expect(subscribes()).toHaveLength(1)
})

test('a delta that comes before the snapshot waits for it', async () => {
  server.change({ s14mk2x: 3 })
  feed.start()
  await settle()
  server.change({ s14mk2x: 5 })
  server.socket.flush((messages) => [...messages].reverse())
  expect(shown()).toEqual(server.truth())
  expect(subscribes()).toHaveLength(1)
})

test('a missed delta is noticed at the next one of its tile, and what is missing is asked for', async () => {
  await start()
  server.change({ s14mk2x: 3, s14mk31: 2 })
  server.socket.flush(() => [])
  server.change({ s14mk2x: 4 })
  server.socket.flush()
  expect(subscribes().at(-1)).toMatchObject({ since: { epoch: 'k3f', rev: 100 } })
  server.socket.flush()
  expect(shown()).toEqual([['s14mk2x', 4], ['s14mk31', 2]])
})

test('while an answer is awaited, further gaps are not asked about', async () => {
  await start()
  server.change({ s14mk2x: 3 })
  server.socket.flush(() => [])
  server.change({ s14mk2x: 4 })
  server.change({ s14mk2x: 5 })
  server.socket.flush()
  expect(subscribes()).toHaveLength(2)
})

test('an answer that is lost is asked for again', async () => {
  feed.start()
  await settle()
  server.socket.flush(() => [])
  await vi.advanceTimersByTimeAsync(ANSWER_MS)
  server.socket.flush()
  expect(subscribes()).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(4 * ANSWER_MS)
  expect(subscribes()).toHaveLength(2)
})

test('a resume answered with nothing new is an answer', async () => {
  await start()
  server.cut()
  await comeBack()
  await vi.advanceTimersByTimeAsync(4 * ANSWER_MS)
  expect(subscribes()).toHaveLength(2)
})

test('after a cut the page resumes from what it knows', async () => {
  server.change({ s14mk2x: 3 })
  await start()
  server.cut()
  server.change({ s14mk2x: 0, s14ms31: 7 })
  await comeBack()
  expect(subscribes().at(-1)).toMatchObject({ since: { epoch: 'k3f', rev: 101 } })
  expect(shown()).toEqual([['s14ms31', 7]])
  expect(links).toEqual(['connecting', 'connected', 'reconnecting', 'connected'])
})

test('a resume from too long ago is answered by a snapshot, which replaces everything', async () => {
  server.change({ s14mk2x: 3 })
  await start()
  server.cut()
  server.change({ s14mk2x: 0, s14ms31: 7 })
  server.oldestSince = server.rev
  await comeBack()
  expect(shown()).toEqual([['s14ms31', 7]])
})

test('another epoch is begun with a snapshot', async () => {
  server.change({ s14mk2x: 3 })
  await start()
  server.rebirth('k4a')
  server.change({ s14ms31: 1 })
  server.socket.flush()
  expect(subscribes().at(-1)).not.toHaveProperty('since')
  server.socket.flush()
  expect(shown()).toEqual([['s14ms31', 1]])
})

test('a tile outside the viewport is ignored', async () => {
  await start()
  server.change({ s14mj00: 9 })
  server.socket.flush()
  expect(shown()).toEqual([])
  expect(subscribes()).toHaveLength(1)
})

test('a heartbeat brings the number of live drivers', async () => {
  await start()
  server.change({ s14mj00: 9 })
  server.socket.flush(() => [])
  server.heartbeat()
  server.socket.flush()
  expect(field.drivers).toBe(9)
})

test('lost, doubled and shuffled messages end in the truth', async () => {
  let seed = 7
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  const shuffle = <T>(items: T[]) => items.map((item) => [random(), item] as const).sort((a, b) => a[0] - b[0]).map(([, item]) => item)
  const unreliable = (messages: string[]) =>
    shuffle(messages.filter(() => random() > 0.15).flatMap((text) => (random() > 0.8 ? [text, text] : [text])))
  await start()
  for (let round = 0; round < 400; round++) {
    const tile = TILES[Math.floor(random() * TILES.length)] ?? TILES[0]
    server.change({ [`${tile}0${Math.floor(random() * 8)}`]: Math.floor(random() * 3) })
    if (random() > 0.7) server.socket.flush(unreliable)
    if (random() > 0.97) server.cut()
    if (random() > 0.99) server.rebirth(`k${round}`)
    if (random() > 0.98) server.oldestSince = server.rev
    await vi.advanceTimersByTimeAsync(3_000)
  }
  // A gap shows at the next delta of its tile, so each tile gets one; and what was lost is asked for again in time.
  await vi.advanceTimersByTimeAsync(LONGEST_DELAY_MS)
  for (const tile of TILES) server.change({ [`${tile}zz`]: 1 })
  for (let i = 0; i < 10; i++) {
    server.socket.flush()
    await vi.advanceTimersByTimeAsync(ANSWER_MS)
  }
  expect(shown()).toEqual(server.truth())
  expect(refusals).toEqual([])
})

test('a server that cannot be reached is tried ever more slowly, and told as offline', async () => {
  server.accepts = false
  feed.start()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(server.sockets.length).toBeGreaterThan(ATTEMPTS_UNTIL_OFFLINE)
  expect(server.sockets.length).toBeLessThan(20)
  expect(links.at(-1)).toBe('offline')
  server.accepts = true
  await comeBack(LONGEST_DELAY_MS)
  expect(links.at(-1)).toBe('connected')
})

test('a connection that falls silent is dropped and opened again', async () => {
  await start()
  const dead = server.socket
  await vi.advanceTimersByTimeAsync(SILENCE_MS + LONGEST_DELAY_MS)
  expect(dead.closedByPage).toBe(true)
  expect(server.sockets).toHaveLength(2)
})

test('when the network comes back the page does not wait for its delay', async () => {
  await start()
  server.cut()
  feed.retryNow()
  await settle()
  expect(server.sockets).toHaveLength(2)
})

test('a message that breaks the protocol is told and does no harm', async () => {
  server.change({ s14mk2x: 3 })
  await start()
  server.socket.receive('{"type":"delta"}')
  expect(refusals).toMatchObject([{ code: 'bad_message', message: 'city: expected text, got undefined' }])
  expect(shown()).toEqual([['s14mk2x', 3]])
})
