import { describe, expect, test } from 'vitest'
import type { HeatView } from '../src/index.js'
import { Bench, ELSEWHERE, frameText, LAGOS, NEARLY_THE_SAME, shown, SUBSCRIPTION } from './support.js'

describe('several watches', () => {
  test('of the same viewport share one subscription, and the second sees at once what there is', async () => {
    const bench = new Bench()
    bench.server.city('lagos').set({ s14mk2x: 3 })
    await bench.watching()
    const seen: HeatView[] = []
    const second = bench.client.watch(
      LAGOS,
      (view) => seen.push(view),
      () => {},
    )
    expect(seen).toEqual([])
    await bench.settle()
    expect(seen).toEqual([second.view])
    expect(shown(second)).toEqual([['s14mk2x', 3]])
    expect(bench.subscribes).toHaveLength(1)
  })

  test('the subscription ends with the last of them', async () => {
    const bench = new Bench()
    const first = await bench.watching()
    const second = await bench.watching()
    first.close()
    await bench.settle()
    expect(bench.unsubscribes).toEqual([])
    second.close()
    second.close()
    await bench.settle()
    expect(bench.unsubscribes).toMatchObject([{ subscription: SUBSCRIPTION }])
    expect(bench.server.socket.watched.size).toBe(0)
  })

  test('of boxes that the server snaps to the same tiles become one', async () => {
    const bench = new Bench()
    bench.server.city('lagos').set({ s14mk2x: 3 })
    const first = await bench.watching()
    const second = await bench.watching(NEARLY_THE_SAME)
    expect(second.view).toBe(first.view)
    first.close()
    bench.server.city('lagos').set({ s14mk2x: 4 })
    bench.server.tick()
    await bench.settle()
    expect(shown(second)).toEqual([['s14mk2x', 4]])
    expect(bench.unsubscribes).toEqual([])
    await bench.watching(NEARLY_THE_SAME)
    expect(bench.subscribes).toHaveLength(2)
  })

  test('the old one closed before the new one has its name does not end the subscription that they share', async () => {
    const bench = new Bench()
    const first = await bench.watching()
    const second = bench.watch(NEARLY_THE_SAME)
    first.close()
    await bench.settle()
    bench.server.city('lagos').set({ s14mk2x: 4 })
    bench.server.tick()
    await bench.settle()
    expect(shown(second)).toEqual([['s14mk2x', 4]])
    expect(bench.unsubscribes).toEqual([])
  })

  test('an unsubscribe that the server takes after the subscribe that came later does no harm', async () => {
    const bench = new Bench()
    const first = await bench.watching()
    bench.server.isHeld = true
    first.close()
    const second = bench.watch()
    await bench.settle()
    bench.server.network = (texts) => texts.toReversed()
    bench.server.forgetViewers()
    bench.server.isHeld = false
    bench.server.deliver()
    await bench.pass(2_000)
    bench.server.city('lagos').set({ s14mk2x: 4 })
    bench.server.tick()
    await bench.settle()
    expect(shown(second)).toEqual([['s14mk2x', 4]])
  })

  test('closed before it was asked for, it is not asked for', async () => {
    const bench = new Bench()
    bench.watch().close()
    await bench.settle()
    expect(bench.server.received).toEqual([])
  })

  test('closed before it was answered, it is left once it has a name', async () => {
    const bench = new Bench()
    bench.server.isHeld = true
    const watch = await bench.watching()
    watch.close()
    bench.server.isHeld = false
    bench.server.deliver()
    await bench.settle()
    expect(bench.unsubscribes).toMatchObject([{ subscription: SUBSCRIPTION }])
    expect(bench.views).toEqual([])
  })

  test('closed before it was answered, it is left even if its first frame is lost', async () => {
    const bench = new Bench()
    bench.server.isHeld = true
    const watch = await bench.watching()
    watch.close()
    bench.server.network = (texts) => texts.filter((text) => text.includes('"ack"'))
    bench.server.deliver()
    await bench.settle()
    expect(bench.unsubscribes).toMatchObject([{ subscription: SUBSCRIPTION }])
  })

  test('closed before it was answered, and then cut off, it is not taken up again', async () => {
    const bench = new Bench()
    bench.server.isHeld = true
    const watch = await bench.watching()
    watch.close()
    bench.server.cut()
    await bench.pass(10_000)
    expect(bench.subscribes).toHaveLength(1)
  })

  test('closed while the server is unavailable, it is not asked for again', async () => {
    const bench = new Bench()
    bench.server.failNext('subscribe', { code: 'unavailable', message: 'try again' })
    bench.server.isHeld = true
    const watch = await bench.watching()
    watch.close()
    bench.server.isHeld = false
    bench.server.deliver()
    await bench.pass(10_000)
    expect(bench.subscribes).toHaveLength(1)
  })

  test('closed while there is no connection, it is not taken up again', async () => {
    const bench = new Bench()
    const watch = await bench.watching()
    bench.server.cut()
    watch.close()
    await bench.pass(10_000)
    expect(bench.subscribes).toHaveLength(1)
  })

  test('a late message of what was left is ignored; but if they go on coming it is left again', async () => {
    const bench = new Bench()
    const watch = await bench.watching()
    watch.close()
    await bench.settle()
    const seen = bench.views.length
    bench.server.socket.receive(frameText({ tiles: {} }))
    await bench.settle()
    expect(bench.unsubscribes).toHaveLength(1)
    await bench.pass(6_000)
    bench.server.socket.receive(frameText({ tiles: {} }))
    await bench.settle()
    expect(bench.unsubscribes).toHaveLength(2)
    expect(bench.views).toHaveLength(seen)
    expect(bench.problems).toEqual([])
  })

  test('each gets its own frames, and resumes from its own revision', async () => {
    const bench = new Bench()
    const near = await bench.watching()
    const far = await bench.watching(ELSEWHERE)
    const whole = await bench.watching({ city: 'london', precision: 5 })
    bench.server.city('lagos').set({ s14mk2x: 1 })
    bench.server.tick()
    bench.server.city('london').set({ gcpvj00: 2 })
    bench.server.tick()
    await bench.settle()
    expect([near, far, whole].map(shown)).toEqual([[['s14mk2x', 1]], [], [['gcpvj', 2]]])
    bench.server.cut()
    await bench.pass(1_000)
    expect(bench.subscribes.slice(-3)).toMatchObject([
      { bbox: LAGOS.bbox, since: { rev: 101 } },
      { bbox: ELSEWHERE.bbox, since: { rev: 100 } },
      { city: 'london', since: { rev: 101 } },
    ])
  })

  test('one that another closes when it is told hears nothing more', async () => {
    const bench = new Bench()
    let told = 0
    bench.client.watch(
      LAGOS,
      () => second.close(),
      () => {},
    )
    const second = bench.client.watch(
      LAGOS,
      () => told++,
      () => {},
    )
    await bench.settle()
    expect(told).toBe(0)
  })

  test('a watch may be closed from within its own callback', async () => {
    const bench = new Bench()
    const seen: HeatView[] = []
    const watch = bench.client.watch(
      LAGOS,
      (view) => {
        seen.push(view)
        watch.close()
      },
      () => {},
    )
    await bench.settle()
    bench.server.heartbeat()
    await bench.settle()
    expect(seen).toHaveLength(1)
    expect(bench.server.socket.watched.size).toBe(0)
  })
})
