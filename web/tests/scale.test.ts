import { expect, test } from 'vitest'
import { levelsFor, ticksOf } from '../src/scale'

test('the scale reaches as far as nearly all cells do', () => {
  const counts = Array.from({ length: 1000 }, (_, i) => (i < 990 ? 1 : 30))
  expect(ticksOf(levelsFor(counts, 3))).toEqual([1, 3, 7, 15, 31])
})

test('one crowded cell does not make the rest of the city look empty', () => {
  expect(levelsFor([...Array<number>(999).fill(1), 5000], 3)).toBe(3)
})

test('a peak that sinks a little does not change the colours', () => {
  expect(levelsFor([10], 5)).toBe(5)
  expect(levelsFor([10], 6)).toBe(4)
})
