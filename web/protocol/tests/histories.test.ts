/** Random lives of a city, watched over a network that loses, doubles and shuffles. */

import { expect, test } from 'vitest'
import type { Encoding } from '../src/index.js'
import { Bench, seeded, shown, shuffled, TILES } from './support.js'

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)
const BOTH = ['json', 'deflate'] as const

interface Chances {
  random: () => number
  /** Chance of each message to be lost, and to come twice. */
  loss: number
}

/** A network that brings some messages late, some twice, some never. */
function unreliable({ random, loss }: Chances): (texts: string[]) => string[] {
  let late: string[] = []
  return (texts) => {
    const kept = texts.filter(() => random() >= loss).flatMap((text) => (random() < 0.1 ? [text, text] : [text]))
    const now = shuffled([...late, ...kept.filter(() => random() < 0.9)], random)
    late = kept.filter((text) => !now.includes(text))
    return now
  }
}

/** What is true of the city at a revision, whoever asks. */
const keyOf = ({ epoch, rev }: { epoch: string | null; rev: number }) => `${epoch} ${rev}`

async function live(encoding: Encoding, seed: number, loss: number): Promise<{ bench: Bench; gaps: number }> {
  const random = seeded(seed)
  const chance = (probability: number) => random() < probability
  const bench = new Bench({ encoding, random }, { messageBytes: chance(0.5) ? 60 : 32_000 })
  const city = bench.server.city('lagos')
  const truth = new Map([[keyOf(city), new Map<string, number>()]])
  const wrong: string[] = []
  const watch = bench.client.watch(
    { city: 'lagos', precision: 7, bbox: [6.51, 3.34, 6.66, 3.38] },
    (view) => {
      const expected = truth.get(keyOf(view))
      if (!expected || !isSame(expected, view.cells)) wrong.push(keyOf(view))
    },
    ({ code }) => wrong.push(code),
  )
  bench.server.network = unreliable({ random, loss })

  for (let round = 0; round < 120; round++) {
    const counts = Array.from({ length: Math.floor(random() * 4) }, () => {
      const tile = TILES[Math.floor(random() * TILES.length)] ?? TILES[0]
      return [`${tile}0${Math.floor(random() * 8)}`, Math.floor(random() * 3)]
    })
    city.set(Object.fromEntries(counts))
    if (chance(0.02)) city.rebirth(`e${round + 2}`)
    truth.set(keyOf(city), city.counts(7))
    bench.server.isHeld = chance(0.5)
    if (chance(0.8)) bench.server.tick()
    else bench.server.heartbeat()
    if (!bench.server.isHeld) bench.server.deliver()
    if (chance(0.04)) bench.server.cut()
    if (chance(0.02)) bench.server.forgetViewers()
    if (chance(0.05)) city.resumableFrom = city.rev
    if (chance(0.03)) bench.client.retry()
    await bench.pass(3_000)
  }

  // Whoever hears again what is said ends with what is true.
  bench.server.isHeld = false
  bench.server.network = (texts) => texts
  await bench.pass(60_000)
  bench.server.heartbeat()
  await bench.pass(10_000)
  expect(wrong).toEqual([])
  expect(shown(watch)).toEqual(bench.truth)
  expect(keyOf(watch.view)).toBe(keyOf(city))
  expect(bench.problems).toEqual([])
  return { bench, gaps: watch.view.gaps }
}

const isSame = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean =>
  a.size === b.size && [...a].every(([cell, count]) => b.get(cell) === count)

test.each(BOTH.flatMap((encoding) => SEEDS.map((seed) => [encoding, seed] as const)))(
  'in %s, life %d: what is shown is always true of the revision that is told, and in the end of the city',
  async (encoding, seed) => {
    await live(encoding, seed, 0.15)
  },
)

test('a network that is bad has made the histories worth looking at', async () => {
  const { bench, gaps } = await live('json', 1, 0.15)
  expect(gaps).toBeGreaterThan(10)
  expect(bench.server.handshakes).toBeGreaterThan(2)
  expect(bench.subscribes.filter((message) => 'since' in message).length).toBeGreaterThan(10)
})

test('on a network that is good nothing is asked twice', async () => {
  const bench = new Bench({ encoding: 'deflate' }, { messageBytes: 60 })
  const watch = await bench.watching()
  const random = seeded(7)
  for (let round = 0; round < 50; round++) {
    bench.server.city('lagos').set({ [`s14mk0${Math.floor(random() * 8)}`]: Math.floor(random() * 3) })
    bench.server.tick()
    await bench.pass(3_000)
  }
  expect(shown(watch)).toEqual(bench.truth)
  expect(bench.subscribes).toHaveLength(1)
  expect(watch.view.gaps).toBe(0)
})

test('deflate shows what JSON shows', async () => {
  const views = await Promise.all(
    BOTH.map(async (encoding) => {
      const bench = new Bench({ encoding })
      const watch = await bench.watching()
      const random = seeded(3)
      for (let round = 0; round < 30; round++) {
        const counts = Array.from({ length: 20 }, () => [
          `s14mk0${Math.floor(random() * 8)}`,
          Math.floor(random() * 300),
        ])
        bench.server.city('lagos').set(Object.fromEntries(counts))
        bench.server.tick()
        await bench.settle()
      }
      return watch.view
    }),
  )
  expect(views[0]).toEqual(views[1])
})
