import { expect, test } from 'vitest'
import { scaleFor, shortestScale, ticksOf } from '../src/scale'

const SHORTEST = shortestScale(1)
const upTo = (top: number, least = 1) => ({ least, top })

test('the scale reaches as far as nearly all cells do', () => {
  const counts = Array.from({ length: 1000 }, (_, i) => (i < 970 ? 1 : 30))
  expect(scaleFor(counts, SHORTEST)).toEqual(upTo(36))
})

test('one crowded cell does not make the rest of the city look empty', () => {
  expect(scaleFor([...Array<number>(999).fill(1), 5000], SHORTEST)).toBe(SHORTEST)
})

test('a city without drivers has the shortest scale', () => {
  expect(scaleFor([], SHORTEST)).toBe(SHORTEST)
})

test('a peak that sinks a little does not change the colours', () => {
  const before = upTo(256)
  expect(scaleFor([60], before)).toBe(before)
  expect(scaleFor([30], before)).toEqual(upTo(36))
  expect(scaleFor([300], before)).toEqual(upTo(625))
})

test('where cells of few drivers are hidden the scale begins with the least count that is told', () => {
  expect(scaleFor([3], shortestScale(3))).toEqual(upTo(12, 3))
  expect(scaleFor([30], shortestScale(3))).toEqual(upTo(48, 3))
  expect(ticksOf(upTo(12, 3)).map(({ count }) => count)).toEqual([3, 6, 12])
})

const TOPS = [4, 9, 16, 36, 81, 256, 625, 1296, 2401, 4096, 10_000]

test.each(TOPS)('a scale up to %i is labelled at both ends, in whole numbers', (top) => {
  const ticks = ticksOf(upTo(top))
  expect(ticks[0]).toEqual({ count: 1, at: 0 })
  expect(ticks.at(-1)).toEqual({ count: top, at: 1 })
  for (const { count, at } of ticks) expect(top ** at).toBeCloseTo(count, 6)
})

test('equal steps of the ramp are equal factors', () => {
  expect(ticksOf(upTo(81)).map(({ count }) => count)).toEqual([1, 3, 9, 27, 81])
  expect(ticksOf(upTo(9)).map(({ count }) => count)).toEqual([1, 3, 9])
})
