import { describe, expect, test } from 'vitest'
import { HeatmapClient, type Box } from '../src/index.js'
import { ANSWER_MS, TRIES } from '../src/question.js'
import { BBOX, Bench, ELSEWHERE, frameText, LAGOS, lose, shown, SILENCE_MS, SUBSCRIPTION } from './support.js'

// The tests run in Node, but what they test must not know.
declare const process: Record<'on' | 'off', (event: 'uncaughtException', listener: (error: unknown) => void) => void>

describe.each(['json', 'deflate'] as const)('in %s', (encoding) => {
  const setUp = (messageBytes = 32_000) => new Bench({ encoding }, { messageBytes })

  test('a snapshot shows every cell once all its parts are in', async () => {
    const bench = setUp(60)
    bench.server.city('lagos').set({ s14mk2x: 3, s14ms31: 1, s14mu00: 2 })
    bench.server.isHeld = true
    const watch = await bench.watching()
    bench.server.network = (texts) => texts.slice(0, -1)
    bench.server.deliver()
    await bench.settle()
    expect(bench.views).toEqual([])
    bench.server.network = (texts) => texts
    await bench.pass(ANSWER_MS)
    bench.server.deliver()
    await bench.settle()
    expect(shown(watch)).toEqual([
      ['s14mk2x', 3],
      ['s14ms31', 1],
      ['s14mu00', 2],
    ])
    expect(watch.view).toMatchObject({ subscription: SUBSCRIPTION, epoch: 'e1', rev: 101, drivers: 6, frames: 1 })
  })

  test('a delta sets its cells, and a zero empties one', async () => {
    const bench = setUp()
    bench.server.city('lagos').set({ s14mk2x: 3, s14mk31: 1 })
    const watch = await bench.watching()
    bench.server.city('lagos').set({ s14mk2x: 4, s14mk31: 0 })
    bench.server.tick()
    await bench.settle()
    expect(shown(watch)).toEqual([['s14mk2x', 4]])
    expect(watch.view.drivers).toBe(4)
    expect(bench.subscribes).toHaveLength(1)
  })

  test('frames that come before the ack of their subscribe are not lost', async () => {
    const bench = setUp(60)
    bench.server.city('lagos').set({ s14mk2x: 3, s14ms31: 1 })
    bench.server.isHeld = true
    const watch = await bench.watching()
    bench.server.city('lagos').set({ s14mk2x: 5 })
    bench.server.tick()
    bench.server.network = (texts) => texts.toReversed()
    bench.server.deliver()
    await bench.settle()
    expect(shown(watch)).toEqual([
      ['s14mk2x', 5],
      ['s14ms31', 1],
    ])
    expect(bench.subscribes).toHaveLength(1)
  })

  test('messages are applied in the order in which they came', async () => {
    const bench = setUp()
    await bench.watching()
    for (const count of [1, 2, 3]) {
      bench.server.city('lagos').set({ s14mk2x: count })
      bench.server.tick()
      bench.server.heartbeat()
    }
    await bench.settle()
    expect(bench.views.map(({ rev }) => rev)).toEqual(bench.views.map(({ rev }) => rev).toSorted((a, b) => a - b))
    expect(bench.views.at(-1)).toMatchObject({ rev: 103, frames: 4, gaps: 0 })
  })
})

test('whoever does not ask for an encoding gets deflate where it can be read', async () => {
  const bench = new Bench()
  const client = new HeatmapClient({
    url: 'wss://other.test',
    token: 't',
    WebSocket: bench.server.WebSocket,
    clock: bench.clock,
  })
  client.watch(
    LAGOS,
    () => {},
    () => {},
  )
  await bench.settle()
  expect(bench.subscribes).toMatchObject([{ encoding: 'deflate' }])
  client.close()
})

test('a missed delta is noticed at the next one, and what is missing is asked for', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  await lose(bench, { s14mk2x: 3, s14mk31: 2 })
  bench.server.city('lagos').set({ s14mk2x: 4 })
  bench.server.tick()
  await bench.settle()
  expect(bench.subscribes.at(-1)).toMatchObject({ since: { epoch: 'e1', rev: 100 } })
  expect(shown(watch)).toEqual([
    ['s14mk2x', 4],
    ['s14mk31', 2],
  ])
  expect(watch.view).toMatchObject({ gaps: 1 })
})

test('a lost last delta is noticed at the next heartbeat', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  await lose(bench, { s14mk2x: 3 })
  bench.server.heartbeat()
  await bench.settle()
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  expect(bench.subscribes).toHaveLength(2)
})

test('a delta that is only late is waited for no longer than it takes', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  bench.server.isHeld = true
  for (const count of [1, 2, 3]) {
    bench.server.city('lagos').set({ s14mk2x: count })
    bench.server.tick()
  }
  bench.server.network = (texts) => texts.toReversed()
  bench.server.deliver()
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test('while an answer is awaited, further gaps are not asked about', async () => {
  const bench = new Bench()
  await bench.watching()
  await lose(bench, { s14mk2x: 3 })
  bench.server.isHeld = true
  for (const count of [4, 5, 6]) {
    bench.server.city('lagos').set({ s14mk2x: count })
    bench.server.tick()
    bench.server.deliver()
  }
  expect(bench.subscribes).toHaveLength(2)
})

test('a server that cannot answer is asked ever more slowly', async () => {
  const bench = new Bench()
  for (let i = 0; i < 100; i++) bench.server.failNext('subscribe', { code: 'unavailable', message: 'try again' })
  await bench.watching()
  await bench.pass(60_000)
  expect(bench.subscribes.length).toBeGreaterThan(5)
  expect(bench.subscribes.length).toBeLessThan(12)
})

test('an answer whose frame is lost is asked for again', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"snapshot"'))
  const watch = await bench.watching()
  bench.server.network = (texts) => texts
  await bench.pass(ANSWER_MS)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  await bench.pass(4 * ANSWER_MS)
  expect(bench.subscribes.length).toBeLessThan(5)
  expect(bench.server.handshakes).toBe(1)
})

test('an answer whose ack is lost is asked for again', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"ack"'))
  const watch = await bench.watching()
  bench.server.network = (texts) => texts
  await bench.pass(ANSWER_MS)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  expect(bench.server.handshakes).toBe(1)
})

test('a resume is answered only when both its ack and its frame are in', async () => {
  for (const lost of ['"ack"', '"delta"']) {
    const bench = new Bench()
    await bench.watching()
    bench.server.cut()
    bench.server.network = (texts) => texts.filter((text) => !text.includes(lost))
    await bench.pass(1_000)
    expect(bench.subscribes).toHaveLength(2)
    bench.server.network = (texts) => texts
    await bench.pass(ANSWER_MS)
    expect(bench.subscribes).toHaveLength(3)
    await bench.pass(ANSWER_MS)
    expect(bench.subscribes).toHaveLength(3)
  }
})

test('a frame from the past is no answer', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  await bench.watching()
  bench.server.cut()
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"delta"'))
  await bench.pass(1_000)
  bench.server.socket.receive(frameText({ prev: 90, rev: 91, tiles: {} }))
  bench.server.network = (texts) => texts
  await bench.pass(ANSWER_MS)
  expect(bench.subscribes).toHaveLength(3)
})

test('what is missed between the frame and the ack of an answer is asked for as well', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  bench.server.isHeld = true
  bench.client.retry()
  await bench.settle()
  const acks: string[] = []
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"ack"') || !acks.push(text))
  bench.server.deliver()
  bench.server.isHeld = false
  await lose(bench, { s14mk2x: 3 })
  bench.server.heartbeat()
  await bench.settle()
  for (const ack of acks) bench.server.socket.receive(ack)
  bench.server.network = (texts) => texts
  await bench.pass(ANSWER_MS)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test('answers that are lost now and then do not cost the connection', async () => {
  const bench = new Bench()
  await bench.watching()
  for (let i = 0; i < 2 * TRIES; i++) {
    bench.server.network = (texts) => texts.filter((text) => !text.includes('"delta"'))
    bench.client.retry()
    await bench.settle()
    bench.server.network = (texts) => texts
    await bench.pass(ANSWER_MS)
  }
  expect(bench.server.handshakes).toBe(1)
})

test('what was not read when the connection was lost is asked for again', async () => {
  const bench = new Bench({ encoding: 'deflate' })
  const watch = await bench.watching()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.server.tick()
  await Promise.resolve()
  bench.server.cut()
  await bench.client.settled()
  expect(watch.view.rev).toBe(100)
  await bench.pass(1_000)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  expect(bench.subscribes.at(-1)).toMatchObject({ since: { rev: 100 } })
})

test('when nothing is heard after a subscribe, the connection is replaced', async () => {
  const bench = new Bench()
  bench.server.isMute = true
  const watch = await bench.watching()
  await bench.pass(ANSWER_MS)
  expect(bench.links).toEqual(['connecting', 'connected', 'reconnecting'])
  bench.server.isMute = false
  bench.server.city('lagos').set({ s14mk2x: 3 })
  await bench.pass(1_000)
  expect(bench.server.handshakes).toBe(2)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test('a connection on which other things come, but never an answer, is replaced as well', async () => {
  const bench = new Bench()
  await bench.watching()
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"ack"'))
  bench.watch(ELSEWHERE)
  for (let i = 0; i < TRIES; i++) {
    bench.server.heartbeat()
    await bench.pass(ANSWER_MS)
  }
  expect(bench.links).toContain('reconnecting')
})

test('a resume answered with nothing new is an answer', async () => {
  const bench = new Bench()
  await bench.watching()
  bench.server.cut()
  await bench.pass(1_000)
  expect(bench.subscribes).toHaveLength(2)
  await bench.pass(ANSWER_MS)
  expect(bench.subscribes).toHaveLength(2)
})

test('after a cut it resumes from what it knows, and shows that meanwhile', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  const watch = await bench.watching()
  bench.server.cut()
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  bench.server.city('lagos').set({ s14mk2x: 0, s14ms31: 7 })
  await bench.pass(1_000)
  expect(bench.subscribes.at(-1)).toMatchObject({ since: { epoch: 'e1', rev: 101 }, bbox: BBOX })
  expect(shown(watch)).toEqual([['s14ms31', 7]])
  expect(bench.links).toEqual(['connecting', 'connected', 'reconnecting', 'connected'])
})

test('a resume from too long ago is answered by a snapshot, which replaces everything', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  const watch = await bench.watching()
  bench.server.cut()
  bench.server.city('lagos').set({ s14mk2x: 0, s14ms31: 7 })
  bench.server.city('lagos').resumableFrom = bench.server.city('lagos').rev
  await bench.pass(1_000)
  expect(shown(watch)).toEqual([['s14ms31', 7]])
})

test('another epoch is begun with a snapshot', async () => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  const watch = await bench.watching()
  bench.server.city('lagos').rebirth('e2')
  bench.server.city('lagos').set({ s14ms31: 1 })
  bench.server.tick()
  await bench.settle()
  expect(bench.subscribes.at(-1)).not.toHaveProperty('since')
  expect(shown(watch)).toEqual([['s14ms31', 1]])
  expect(watch.view).toMatchObject({ epoch: 'e2', gaps: 0 })
})

test('a server whose history was set back is believed', async () => {
  const bench = new Bench()
  const city = bench.server.city('lagos')
  city.set({ s14mk2x: 3 })
  const watch = await bench.watching()
  city.rebirth('e1')
  city.set({ s14ms31: 1 })
  bench.server.cut()
  await bench.pass(1_000)
  expect(watch.view).toMatchObject({ epoch: 'e1', rev: 2 })
  expect(shown(watch)).toEqual([['s14ms31', 1]])
})

test('the ack of an earlier subscribe does not make it believe so', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  const early: string[] = []
  bench.server.network = (texts) => texts.filter((text) => !text.includes('"ack"') || !early.push(text))
  bench.client.retry()
  await bench.settle()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.server.tick()
  await bench.pass(ANSWER_MS)
  expect(bench.subscribes.at(-1)).toMatchObject({ since: { rev: 101 } })
  bench.server.socket.receive(early[0])
  expect(watch.view).toMatchObject({ epoch: 'e1', rev: 101 })
})

test('a city that has grown is begun anew, though its revision is known', async () => {
  const cities = [{ name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [6.51, 3.34, 6.53, 3.38] as Box }]
  const bench = new Bench({}, { cities })
  bench.server.city('lagos').set({ s14mh2x: 3, s14mk2x: 4 })
  const watch = await bench.watching({ city: 'lagos', precision: 7 })
  expect(shown(watch)).toEqual([['s14mh2x', 3]])
  cities[0] = { name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [...BBOX] }
  bench.server.cut()
  await bench.pass(5_000)
  expect(watch.view.subscription).toBe(SUBSCRIPTION)
  expect(shown(watch)).toEqual([
    ['s14mh2x', 3],
    ['s14mk2x', 4],
  ])
})

test('a viewport that falls silent is subscribed to again on the same connection', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  bench.server.forgetViewers()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.server.tick()
  await bench.pass(SILENCE_MS - 1)
  expect(shown(watch)).toEqual([])
  await bench.pass(1)
  expect(bench.subscribes.at(-1)).toMatchObject({ since: { epoch: 'e1', rev: 100 } })
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
  expect(bench.server.handshakes).toBe(1)
})

test('how long is too long depends on how often the server says it sends heartbeats', async () => {
  const bench = new Bench({}, { heartbeatSeconds: 4 })
  const watch = await bench.watching()
  expect(watch.view.heartbeatMs).toBe(4_000)
  await bench.pass(5_999)
  expect(bench.subscribes).toHaveLength(1)
  await bench.pass(1)
  expect(bench.subscribes).toHaveLength(2)
})

test('a viewport tells the least count that its token is shown, as the server said last', async () => {
  const bench = new Bench({}, { minCellDrivers: 3 })
  const watch = bench.watch()
  expect(watch.view.minCellDrivers).toBe(1)
  await bench.settle()
  expect(watch.view.minCellDrivers).toBe(3)
})

test('heartbeats are enough not to be silent, and say so', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  for (let i = 0; i < 5; i++) {
    await bench.pass(15_000)
    bench.server.heartbeat()
  }
  await bench.settle()
  expect(bench.subscribes).toHaveLength(1)
  expect(watch.view.receivedAt).toBe(75_000)
})

test('a connection that died in silence is replaced', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  const dead = bench.server.socket
  bench.server.isMute = true
  await bench.pass(SILENCE_MS + ANSWER_MS)
  expect(dead.isClosedByClient).toBe(true)
  bench.server.isMute = false
  bench.server.city('lagos').set({ s14mk2x: 3 })
  await bench.pass(1_000)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test.each([
  ['not JSON', '{'],
  ['a delta without anything', '{"type":"delta"}'],
  ['deflate that is none', frameText({ packed: 'AAAA' })],
  ['packed tiles that end early', frameText({ packed: 'K04EAA==' })],
  ['something binary', new ArrayBuffer(8)],
])('%s is told, and does no harm', async (_, data) => {
  const bench = new Bench()
  bench.server.city('lagos').set({ s14mk2x: 3 })
  const watch = await bench.watching()
  bench.server.socket.receive(data)
  await bench.settle()
  expect(bench.problems).toHaveLength(1)
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test.each(['pong', '{"type":"position"}', '{"type":"ack","action":"subscribe","id":"99"}', '[]', 'null', '"'])(
  'whatever comes, nothing is thrown out of the handler of the socket: %s',
  async (text) => {
    const bench = new Bench()
    await bench.watching()
    expect(() => bench.server.socket.receive(text)).not.toThrow()
  },
)

test('an update of ten thousand cells does not touch what was shown before', async () => {
  const bench = new Bench()
  const many = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, i) => [`s14mk${i.toString(32).padStart(2, '0')}`, i + 1]).filter(([cell]) =>
      /^[0-9b-hjkmnp-z]+$/.test(String(cell)),
    ),
  )
  bench.server.city('lagos').set(many)
  const watch = await bench.watching()
  const before = watch.view
  const cells = new Map(before.cells)
  bench.server.city('lagos').set({ s14mk00: 77 })
  bench.server.tick()
  await bench.settle()
  expect(watch.view).not.toBe(before)
  expect(before.cells).toEqual(cells)
  bench.server.heartbeat()
  const { view } = watch
  await bench.settle()
  expect(watch.view).not.toBe(view)
  expect(watch.view.cells).toBe(view.cells)
})

test('a frame in parts is shown once', async () => {
  const bench = new Bench({}, { messageBytes: 60 })
  await bench.watching()
  const seen = bench.views.length
  bench.server.city('lagos').set({ s14mh00: 1, s14mk00: 1, s14ms00: 1, s14mu00: 1 })
  bench.server.tick()
  await bench.settle()
  expect(bench.client.traffic.messages).toBe(4)
  expect(bench.views).toHaveLength(seen + 1)
})

test('what is received is counted', async () => {
  const bench = new Bench()
  await bench.client.hello()
  const before = { ...bench.client.traffic }
  bench.server.socket.receive('{"type":"é"}')
  expect(bench.client.traffic).toEqual({ messages: before.messages + 1, bytes: before.bytes + 13 })
})

test('whoever fails when told of a view fails alone', async () => {
  const bench = new Bench()
  const errors: unknown[] = []
  const onUncaught = (error: unknown) => errors.push(error)
  process.on('uncaughtException', onUncaught)
  bench.client.watch(
    LAGOS,
    () => {
      throw new Error('of the page')
    },
    () => {},
  )
  const watch = await bench.watching()
  process.off('uncaughtException', onUncaught)
  expect(watch.view.epoch).toBe('e1')
  expect(errors).toEqual([new Error('of the page')])
})

test('a closed client says nothing more, and can be asked nothing', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  const pending = bench.client.hello()
  const seen = bench.views.length
  bench.client.close()
  await expect(pending).rejects.toThrow('hello: the client was closed')
  await expect(bench.client.hello()).rejects.toThrow('hello: the client is closed')
  expect(() => bench.watch()).toThrow('watch: the client is closed')
  await bench.pass(60_000)
  watch.close()
  bench.client.retry()
  expect(bench.views).toHaveLength(seen)
  expect(bench.server.handshakes).toBe(1)
})

test.each(['https://fleetglow.test', 'nowhere'])('%s is no address to connect to', (url) => {
  expect(() => new HeatmapClient({ url, token: 't' })).toThrow(TypeError)
})
