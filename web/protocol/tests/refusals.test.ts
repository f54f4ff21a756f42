import { describe, expect, test } from 'vitest'
import { Bench, ELSEWHERE, LAGOS, SILENCE_MS } from './support.js'

describe('refusals', () => {
  test('reach the watch that they concern, which is over', async () => {
    const bench = new Bench()
    const good = await bench.watching()
    await bench.watching({ city: 'atlantis', precision: 7 })
    expect(bench.refusals).toMatchObject([{ code: 'unknown_city' }])
    await bench.pass(60_000)
    expect(bench.subscribes.filter(({ city }) => city === 'atlantis')).toHaveLength(1)
    expect(good.view.epoch).toBe('e1')
  })

  test('of a viewport that is too wide name the precision that fits', async () => {
    const bench = new Bench()
    await bench.watching({ city: 'lagos', precision: 8, bbox: [6, 3, 7, 4] })
    expect(bench.refusals).toMatchObject([
      { code: 'too_large', message: expect.stringContaining('precision 7 would fit') },
    ])
  })

  test('a seventeenth subscription is refused, and taken once another has been left', async () => {
    const bench = new Bench()
    const box = (i: number) => ({ ...LAGOS, bbox: [6.4, 3.2 + i / 20, 6.41, 3.21 + i / 20] as const })
    const watches = await Promise.all(Array.from({ length: 16 }, (_, i) => bench.watching(box(i))))
    await bench.watching(box(16))
    expect(bench.refusals).toMatchObject([{ code: 'too_many_subscriptions' }])
    watches[0]?.close()
    const again = await bench.watching(box(16))
    expect(again.view.epoch).toBe('e1')
    expect(bench.refusals).toHaveLength(1)
    await bench.watching(box(17))
    expect(bench.refusals).toHaveLength(2)
  })

  test('of one too many are final on a new connection, whatever was being left on the old one', async () => {
    const bench = new Bench()
    const watch = await bench.watching()
    bench.server.isHeld = true
    watch.close()
    await bench.settle()
    bench.server.cut()
    bench.server.isHeld = false
    await bench.pass(1_000)
    bench.server.failNext('subscribe', {
      code: 'too_many_subscriptions',
      message: 'subscriptions: expected at most 16',
    })
    await bench.watching()
    expect(bench.refusals).toHaveLength(1)
  })

  test('a subscribe that overtakes the unsubscribe before it is said again', async () => {
    const bench = new Bench()
    const first = await bench.watching()
    bench.server.failNext('subscribe', {
      code: 'too_many_subscriptions',
      message: 'subscriptions: expected at most 16',
    })
    bench.server.network = (texts) => texts.toReversed()
    first.close()
    const second = bench.watch(ELSEWHERE)
    await bench.pass(2_000)
    expect(bench.refusals).toEqual([])
    expect(second.view.epoch).toBe('e1')
  })

  test.each([
    ['the server is unavailable', { code: 'unavailable', message: 'try again' }],
    ['the token has expired', { code: 'expired', message: 'the token has expired' }],
    ['API Gateway answers instead', 'gateway'],
  ] as const)('are not final where %s', async (_, failure) => {
    const bench = new Bench()
    bench.server.failNext('subscribe', failure)
    const watch = await bench.watching()
    expect(watch.view.epoch).toBeNull()
    await bench.pass(2_000)
    expect(watch.view.epoch).toBe('e1')
    expect(bench.refusals).toEqual([])
    expect(bench.subscribes).toHaveLength(2)
  })

  test('that are not final are waited for no longer than the first time, once there was an answer', async () => {
    const bench = new Bench()
    for (let i = 0; i < 4; i++) bench.server.failNext('subscribe', 'gateway')
    await bench.watching()
    await bench.pass(60_000)
    bench.server.failNext('subscribe', 'gateway')
    const asked = bench.subscribes.length
    bench.client.retry()
    await bench.pass(1_499)
    expect(bench.subscribes).toHaveLength(asked + 1)
    await bench.pass(1)
    expect(bench.subscribes).toHaveLength(asked + 2)
  })

  test('of a resume end the watch, and what the server still has of it', async () => {
    const bench = new Bench()
    await bench.watching()
    bench.server.failNext('subscribe', { code: 'forbidden', message: 'the token lacks the scope heatmap:read' })
    await bench.pass(SILENCE_MS)
    expect(bench.refusals).toMatchObject([{ code: 'forbidden' }])
    expect(bench.server.socket.watched.size).toBe(0)
  })
})

describe('hello', () => {
  test('tells what the server offers', async () => {
    const bench = new Bench()
    const hello = await bench.client.hello()
    expect(hello.cities.map(({ name }) => name)).toEqual(['lagos', 'london'])
    expect(hello).toMatchObject({ precisions: [4, 5, 6, 7, 8], connection_id: 'c1' })
    expect(Object.keys(hello)).toEqual(['cities', 'precisions', 'connection_id'])
  })

  test('is asked once for all who want to know, and again after a cut', async () => {
    const bench = new Bench()
    bench.server.isMute = true
    const both = Promise.all([bench.client.hello(), bench.client.hello()])
    await bench.settle()
    bench.server.cut()
    bench.server.isMute = false
    await bench.pass(1_000)
    const [first, second] = await both
    expect(first).toEqual(second)
    expect(bench.server.received).toMatchObject([{ action: 'hello' }])
  })

  test.each([
    ['unavailable', { code: 'unavailable', message: 'try again' }],
    ['refused for a token that has expired', { code: 'expired', message: 'the token has expired' }],
    ['answered by API Gateway', 'gateway'],
  ] as const)('is asked again where it is %s', async (_, failure) => {
    const bench = new Bench()
    bench.server.failNext('hello', failure)
    const hello = bench.client.hello()
    await bench.pass(2_000)
    await expect(hello).resolves.toMatchObject({ connection_id: 'c1' })
  })

  test('that is refused says why', async () => {
    const bench = new Bench()
    bench.server.failNext('hello', { code: 'forbidden', message: 'the token lacks the scope' })
    await expect(bench.client.hello()).rejects.toThrow('hello: the token lacks the scope (forbidden)')
  })
})
