import { expect, test } from 'vitest'
import { boxOf, sizeOf } from '../src/geohash'

test('a geohash covers the box that python-geohash gives for it', () => {
  const [south, west, north, east] = boxOf('s14mk2x')
  expect([south, west, north, east].map((x) => x.toFixed(6))).toEqual(['6.550598', '3.360443', '6.551971', '3.361816'])
})

test('the boxes of one length have the size that is told for it', () => {
  for (const name of ['s', 's1', 's14', 's14m', 's14mk', 's14mk2', 's14mk2x']) {
    const [south, west, north, east] = boxOf(name)
    expect(sizeOf(name.length)).toEqual({ lat: north - south, lon: east - west })
  }
})

test('a text that is no geohash is refused with what was expected', () => {
  expect(() => boxOf('s1a')).toThrow(/expected characters of .* got "s1a"/)
})
