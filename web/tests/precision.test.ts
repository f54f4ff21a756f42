import { expect, test } from 'vitest'
import { cellPixels, leastCellPx, precisionFor } from '../src/precision'

const ALL = [4, 5, 6, 7, 8]

test('the nearer one looks, the finer the cells', () => {
  const precisions = Array.from({ length: 17 }, (_, zoom) => precisionFor(zoom + 1, 6.5, ALL))
  expect(precisions).toEqual([...precisions].sort())
  expect(new Set(precisions)).toEqual(new Set(ALL))
})

test.each([0, 6.5, 51.5, -33])('at latitude %d a cell is 5 to 30 pixels large where it can be', (lat) => {
  for (let zoom = 1; zoom <= 17; zoom += 0.01) {
    const precision = precisionFor(zoom, lat, ALL)
    const size = cellPixels(precision, zoom, lat)
    if (precision > 4) expect(size).toBeGreaterThanOrEqual(5.3)
    if (precision < 8) expect(size).toBeLessThan(30.1)
  }
})

test('a zoom that trembles around the border between two precisions does not make them flap', () => {
  const zooms = Array.from({ length: 1700 }, (_, i) => i / 100)
  const border = zooms.find((zoom) => precisionFor(zoom, 6.5, ALL) === 7) as number
  for (const before of [6, 7]) {
    expect(precisionFor(border - 0.1, 6.5, ALL, before)).toBe(before)
    expect(precisionFor(border + 0.1, 6.5, ALL, before)).toBe(before)
  }
  expect(precisionFor(border + 0.5, 6.5, ALL, 6)).toBe(7)
  expect(precisionFor(border - 0.5, 6.5, ALL, 7)).toBe(6)
})

test('only what the server has is asked for', () => {
  expect(precisionFor(17, 6.5, [5, 6])).toBe(6)
  expect(precisionFor(1, 6.5, [5, 6])).toBe(5)
})

test('a dense screen shows finer cells', () => {
  expect(leastCellPx(3)).toBeLessThan(leastCellPx(2))
  expect(leastCellPx(2)).toBeLessThan(leastCellPx(1))
})
