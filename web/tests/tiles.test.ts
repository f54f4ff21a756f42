import { expect, test } from 'vitest'
import { boxWithin, covers, extentOf, MOST_TILES, overlap, tileCount, tilesFor, tilesOver } from '../src/tiles'

const LAGOS = [6.35, 3.1, 6.75, 3.75] as const
const ALL = [4, 5, 6, 7, 8]

test('the tiles over a box cover it', () => {
  const [south, west, north, east] = extentOf(tilesOver(LAGOS, 7))
  expect(south).toBeLessThanOrEqual(LAGOS[0])
  expect(west).toBeLessThanOrEqual(LAGOS[1])
  expect(north).toBeGreaterThanOrEqual(LAGOS[2])
  expect(east).toBeGreaterThanOrEqual(LAGOS[3])
})

test.each(ALL)('the box that is asked for is snapped to exactly the same tiles at precision %i', (precision) => {
  const tiles = tilesOver(LAGOS, precision)
  expect(tilesOver(boxWithin(tiles), precision)).toEqual(tiles)
  const [south, west, north, east] = boxWithin(tiles)
  expect(south).toBeLessThan(north)
  expect(west).toBeLessThan(east)
})

test('tiles are counted as the server counts them', () => {
  expect(tileCount(tilesOver([6.5, 3.3, 6.5, 3.3], 7))).toBe(1)
  expect(tileCount({ precision: 7, southWest: 's14mh', northEast: 's14mu' })).toBe(4)
})

test('a box that ends on the border of tiles is covered by those inside', () => {
  const all = { precision: 7, southWest: 's1400', northEast: 's14zz' }
  expect(tilesOver(extentOf(all), 7)).toEqual(all)
  expect(tileCount(all)).toBe(MOST_TILES)
})

test('moving within the tiles asks for nothing anew, moving out of them does', () => {
  const watched = tilesOver([6.45, 3.35, 6.5, 3.42], 7)
  expect(covers(watched, tilesOver([6.46, 3.36, 6.495, 3.41], 7))).toBe(true)
  expect(covers(watched, tilesOver([6.6, 3.35, 6.65, 3.42], 7))).toBe(false)
  expect(covers(watched, tilesOver([6.46, 3.36, 6.47, 3.37], 8))).toBe(false)
})

test('no more is watched than the city', () => {
  const wide = tilesFor([0, 0, 12, 12], LAGOS, 6, ALL)
  expect(wide).toEqual(tilesOver(LAGOS, 6))
})

test('past the city there is nothing to watch', () => {
  expect(tilesFor([40, 10, 41, 11], LAGOS, 6, ALL)).toBeNull()
})

test('a box with too many tiles falls to the first precision at which they fit', () => {
  const tiles = tilesFor(LAGOS, LAGOS, 8, ALL)
  expect(tileCount(tilesOver(LAGOS, 8))).toBeGreaterThan(MOST_TILES)
  expect(tiles).toEqual(tilesOver(LAGOS, 7))
})

test('boxes that only touch do not overlap', () => {
  expect(overlap([0, 0, 1, 1], [1, 0, 2, 1])).toBeNull()
  expect(overlap([0, 0, 2, 2], [1, 1, 3, 3])).toEqual([1, 1, 2, 2])
})
