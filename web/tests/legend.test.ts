import { expect, test } from 'vitest'
import { cellSizeText, hiddenText } from '../src/legend'

test.each([
  [4, 0, '39 × 20 km'],
  [5, 6.5, '4.9 km'],
  [6, 6.5, '1.2 × 0.6 km'],
  [7, 6.5, '153 m'],
  [8, 6.5, '38 × 19 m'],
])('a cell of precision %i at %d° is told as %s', (precision, lat, text) => {
  expect(cellSizeText(precision, lat)).toBe(text)
})

test('far from the equator cells are narrower, and the legend says so', () => {
  expect(cellSizeText(7, 51.5)).toBe('95 × 153 m')
})

test('who is shown no count below a least one is told so, and who sees exact counts is not', () => {
  expect(hiddenText(3)).toBe('Cells with fewer than 3 drivers are hidden; counts are rounded down, by up to 2.')
  expect(hiddenText(1)).toBe('')
})
