import { expect, test } from 'vitest'
import { LEAST_TOP, ticksOf, topFor } from '../src/scale'

test('the scale reaches as far as nearly all cells do', () => {
  const counts = Array.from({ length: 1000 }, (_, i) => (i < 970 ? 1 : 30))
  expect(topFor(counts)).toBe(36)
})

test('one crowded cell does not make the rest of the city look empty', () => {
  expect(topFor([...Array<number>(999).fill(1), 5000])).toBe(LEAST_TOP)
})

test('a city without drivers has the shortest scale', () => {
  expect(topFor([])).toBe(LEAST_TOP)
})

test('a peak that sinks a little does not change the colours', () => {
  expect(topFor([60], 256)).toBe(256)
  expect(topFor([30], 256)).toBe(36)
  expect(topFor([300], 256)).toBe(625)
})

const TOPS = [4, 9, 16, 36, 81, 256, 625, 1296, 2401, 4096, 10_000]

test.each(TOPS)('a scale up to %i is labelled at both ends, in whole numbers', (top) => {
  const ticks = ticksOf(top)
  expect(ticks[0]).toEqual({ count: 1, at: 0 })
  expect(ticks.at(-1)).toEqual({ count: top, at: 1 })
  for (const { count, at } of ticks) expect(top ** at).toBeCloseTo(count, 6)
})

test('equal steps of the ramp are equal factors', () => {
  expect(ticksOf(81).map(({ count }) => count)).toEqual([1, 3, 9, 27, 81])
  expect(ticksOf(9).map(({ count }) => count)).toEqual([1, 3, 9])
})
