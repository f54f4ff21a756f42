/** The fake is as strict as the real server: what it lets pass will work. */

import { expect, test } from 'vitest'
import { FakeServer, FakeSocket } from '../src/fake/index.js'
import { pack } from '../src/fake/packing.js'
import { inflate } from '../src/packed.js'
import { decode } from '../src/protocol.js'
import { BBOX, SUBSCRIPTION } from './support.js'

/** A connection without a client: one says something, and gets what is answered. */
async function connection(server = new FakeServer({ messageBytes: 60 })) {
  const said: string[] = []
  const socket = new server.WebSocket('wss://test?token=t') as FakeSocket
  socket.addEventListener('message', ({ data }) => said.push(String(data)))
  await Promise.resolve()
  return async (message: unknown): Promise<Record<string, unknown>[]> => {
    socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    await Promise.resolve()
    await Promise.resolve()
    return said.splice(0).map((text) => JSON.parse(text) as Record<string, unknown>)
  }
}

const SUBSCRIBE = { action: 'subscribe', id: 'map', city: 'lagos', precision: 7, bbox: BBOX }

test.each([
  ['what is no JSON', '{', { action: '$default', code: 'not_json' }],
  ['what is no object', '3', { action: '$default', code: 'not_json' }],
  ['no action', {}, { action: '$default', code: 'unknown_action' }],
  ['another action', { action: 'track', id: 'x' }, { action: '$default', id: 'x', code: 'unknown_action' }],
  ['a misspelt field', { ...SUBSCRIBE, encodng: 'json' }, { action: 'subscribe', id: 'map', code: 'unknown_field' }],
  ['an id that is too long', { ...SUBSCRIBE, id: 'x'.repeat(65) }, { code: 'wrong_type' }],
  ['no city', { ...SUBSCRIBE, city: undefined }, { code: 'missing' }],
  ['another city', { ...SUBSCRIBE, city: 'atlantis' }, { code: 'unknown_city' }],
  [
    'another precision',
    { ...SUBSCRIBE, precision: 9 },
    { code: 'unknown_precision', message: 'precision: expected one of 4, 5, 6, 7, 8, got 9' },
  ],
  ['another encoding', { ...SUBSCRIBE, encoding: 'zip' }, { code: 'unknown_encoding' }],
  ['three quarters of a box', { ...SUBSCRIBE, bbox: [1, 2, 3] }, { code: 'wrong_type' }],
  ['a box beyond the pole', { ...SUBSCRIBE, bbox: [1, 2, 91, 3] }, { code: 'out_of_range' }],
  ['a box inside out', { ...SUBSCRIBE, bbox: [3, 2, 1, 3] }, { code: 'invalid' }],
  [
    'a box that is too wide',
    { ...SUBSCRIBE, bbox: [0, 0, 9, 9] },
    { code: 'too_large', message: expect.stringContaining('precision 5 would fit') },
  ],
  ['since when, half', { ...SUBSCRIBE, since: { epoch: 'e1' } }, { code: 'wrong_type' }],
  [
    'to leave what is not watched',
    { action: 'unsubscribe', subscription: SUBSCRIPTION },
    { action: 'unsubscribe', code: 'unknown_subscription' },
  ],
])('%s is refused', async (_, message, error) => {
  const say = await connection()
  expect(await say(message)).toMatchObject([{ type: 'error', ...error }])
})

test.each(['json', 'deflate'])(
  'what it sends in %s follows the protocol, in parts where it is large',
  async (encoding) => {
    const server = new FakeServer({ messageBytes: 60 })
    server.city('lagos').set({ s14mh2x: 3, s14mk31: 1, s14mszz: 2, s14mu00: 8 })
    const say = await connection(server)
    const [ack, ...parts] = await say({ ...SUBSCRIBE, encoding })
    expect(ack).toEqual({
      type: 'ack',
      action: 'subscribe',
      id: 'map',
      subscription: SUBSCRIPTION,
      epoch: 'e1',
      rev: 101,
      heartbeat_seconds: 15,
      min_cell_drivers: 1,
    })
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.map(({ part, parts: of }) => [part, of])).toEqual(parts.map((__, i) => [i + 1, parts.length]))
    for (const part of parts) expect(decode(JSON.stringify(part))).toEqual(part)
  },
)

test('a packed frame holds what the same frame in JSON holds', async () => {
  const server = new FakeServer()
  server.city('lagos').set({ s14mh2x: 3, s14mk31: 200 })
  const [, json] = await (await connection(server))(SUBSCRIBE)
  const [, packed] = await (await connection(server))({ ...SUBSCRIBE, encoding: 'deflate' })
  expect(await inflate(String(packed?.['packed']))).toEqual(
    pack(json?.['tiles'] as Record<string, Record<string, number>>),
  )
})

test('a heartbeat and the next delta name the revision before them', async () => {
  const server = new FakeServer()
  const say = await connection(server)
  await say(SUBSCRIBE)
  server.city('lagos').set({ s1000000: 1 })
  server.tick()
  server.heartbeat()
  server.city('lagos').set({ s14mk31: 2 })
  server.heartbeat()
  const frames = (await say({ action: 'hello' })).slice(0, -1)
  expect(frames).toMatchObject([
    { type: 'heartbeat', prev: 100, rev: 101, drivers: 1 },
    { type: 'delta', prev: 101, rev: 102, drivers: 3, tiles: { s14mk: { '31': 2 } } },
  ])
})

test('a resume gets a delta, and a snapshot from too long ago or from another life', async () => {
  const server = new FakeServer()
  const say = await connection(server)
  const city = server.city('lagos')
  city.set({ s14mk31: 2 })
  const since = (epoch: string, rev: number) => say({ ...SUBSCRIBE, since: { epoch, rev } })
  expect((await since('e1', 100))[1]).toMatchObject({
    type: 'delta',
    prev: 100,
    rev: 101,
    tiles: { s14mk: { '31': 2 } },
  })
  expect((await since('e1', 101))[1]).toMatchObject({ type: 'delta', prev: 101, rev: 101, tiles: {} })
  expect((await since('e0', 101))[1]).toMatchObject({ type: 'snapshot' })
  expect((await since('e1', 102))[1]).toMatchObject({ type: 'snapshot' })
  city.resumableFrom = 101
  expect((await since('e1', 100))[1]).toMatchObject({ type: 'snapshot' })
})

test('a city holds as many drivers at each precision', () => {
  const city = new FakeServer().city('lagos')
  city.set({ s14mk2x: 3, s14mk2xb: 1, s14mk: 0, s14mh: 7 })
  for (const precision of [4, 5, 6, 7, 8]) {
    expect([...city.counts(precision).values()].reduce((sum, count) => sum + count, 0)).toBe(7)
  }
  expect(city.drivers).toBe(7)
})

test('drivers on the socket get their pings acknowledged', async () => {
  const say = await connection()
  expect(await say({ action: 'ping', ping: {} })).toEqual([{ type: 'ack', action: 'ping', accepted: 1, rejected: [] }])
  expect(await say({ action: 'pings', pings: [{}, {}] })).toMatchObject([{ accepted: 2 }])
})

test('what does not exist cannot be set', () => {
  expect(() => new FakeServer().city('atlantis')).toThrow('city: expected one of lagos, london, got atlantis')
  expect(() => new FakeServer().city('lagos').set({ shark: 1 })).toThrow(
    'cell: expected a geohash of 4 to 8 characters, got shark',
  )
  expect(() => new FakeServer().socket).toThrow('no connection is open')
})
