import { expect, test } from 'vitest'
import { cellText } from '../src/cursor'
import { driversIn } from '../src/inview'
import { FLOATS_PER_CELL, Picture } from '../src/picture'

const FROM = 4
const TO = 5

const count = (picture: Picture, which: number): number | undefined => picture.instances[TO + which * FLOATS_PER_CELL]

test('a picture holds every cell with its count', () => {
  const picture = new Picture(7, 0.9)
  picture.show(new Map([['s14kt2x', 3], ['s14kt31', 8]]), 1)
  expect(picture.count).toBe(2)
  expect([count(picture, 0), count(picture, 1)]).toEqual([3, 8])
})

test('a cell that is not named any more sinks to nothing, and is then forgotten', () => {
  const picture = new Picture(7, 0.9)
  picture.show(new Map([['s14kt2x', 3]]), 1)
  picture.show(new Map(), 5)
  expect([picture.count, count(picture, 0)]).toEqual([1, 0])
  picture.show(new Map(), 5.5)
  expect(picture.count).toBe(1)
  picture.show(new Map(), 6)
  expect(picture.count).toBe(0)
})

test('a cell that changes its mind half-way starts from where it is', () => {
  const picture = new Picture(7, 1)
  picture.show(new Map([['s14kt2x', 4]]), 0)
  picture.show(new Map([['s14kt2x', 0]]), 0.5)
  expect([picture.instances[FROM], picture.instances[TO]]).toEqual([2, 0])
})

test('neighbouring cells touch', () => {
  const picture = new Picture(7, 0.9)
  picture.show(new Map([['s14kt2x', 1], ['s14kt2z', 1]]), 0)
  const [west, east] = [0, 1].map((i) => [...picture.instances.slice(i * FLOATS_PER_CELL, i * FLOATS_PER_CELL + 4)])
  const gap = Math.hypot((west?.[0] ?? 0) - (east?.[0] ?? 0), (west?.[1] ?? 0) - (east?.[1] ?? 0))
  expect(gap).toBeCloseTo(2 * picture.halfWidth, 7)
})

test('the drivers in view are those of the cells whose middle is seen', () => {
  const cells = new Map([['s14kt2x', 3], ['s14kt31', 8], ['kzf0tv5', 5]])
  expect(driversIn(cells, [6.35, 3.1, 6.75, 3.75])).toBe(11)
  expect(driversIn(cells, [-90, -180, 90, 180])).toBe(16)
})

test.each([
  [0, 1, 's14mk2x · no drivers'],
  [1, 1, 's14mk2x · 1 driver'],
  [3, 1, 's14mk2x · 3 drivers'],
  [1234, 1, 's14mk2x · 1,234 drivers'],
  [0, 3, 's14mk2x · fewer than 3 drivers'],
  [3, 3, 's14mk2x · 3 drivers'],
])('a cell with %i drivers, of at least %i that are told, is told as "%s"', (drivers, least, text) => {
  expect(cellText('s14mk2x', drivers, least)).toBe(text)
})
