import { expect, test } from 'vitest'
import { bytesText, LastMinute } from '../src/rate'

test('what came in during the last minute is counted, and what came before is forgotten', () => {
  const lastMinute = new LastMinute()
  const perMinute = Array.from({ length: 181 }, (_, second) => lastMinute.add(second * 1000, second * 100))
  expect(perMinute[0]).toBe(0)
  expect(perMinute[30]).toBe(3_000)
  expect(perMinute[60]).toBe(6_000)
  expect(perMinute[180]).toBe(6_000)
})

test('a page that slept has received nothing meanwhile', () => {
  const lastMinute = new LastMinute()
  lastMinute.add(0, 0)
  lastMinute.add(1_000, 5_000)
  expect(lastMinute.add(600_000, 5_000)).toBe(0)
})

test.each([
  [999, '999 B'],
  [38_400, '38 KB'],
  [1_250_000, '1.3 MB'],
])('%i bytes are told as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})
