import { expect, test } from 'vitest'
import { boxOf, cornersOver, countBetween, geohashesBetween, geohashOf, sizeOf } from '../src/geohash.js'

test('a geohash covers the box that others say it covers', () => {
  expect(boxOf('ezs42')).toEqual([42.5830078125, -5.625, 42.626953125, -5.5810546875])
})

test.each([
  [42.605, -5.603, 5, 'ezs42'],
  [57.64911, 10.40744, 11, 'u4pruydqqvj'],
  [-25.382708, -49.265506, 8, '6gkzwgjz'],
  [90, 180, 4, 'zzzz'],
  [-90, -180, 4, '0000'],
])('%d, %d lies in the geohash of %d characters that others give it', (lat, lon, length, geohash) => {
  expect(geohashOf(lat, lon, length)).toBe(geohash)
})

test('the corners of a box have its own geohash, up to the next one', () => {
  for (const geohash of ['s', 's1', 's14mk', 's14mk2xb', 'zzzzzzzz', '00000000']) {
    const [south, west, north, east] = boxOf(geohash)
    const { lat, lon } = sizeOf(geohash.length)
    expect(geohashOf(south, west, geohash.length)).toBe(geohash)
    expect(geohashOf(south + lat / 2, west + lon / 2, geohash.length)).toBe(geohash)
    expect([north - south, east - west]).toEqual([lat, lon])
  }
})

test('an edge on the border of two geohashes belongs to the one inside', () => {
  for (const geohash of ['s', 's1', 's14mk', 'zzzzz', '00000']) {
    expect(cornersOver(boxOf(geohash), geohash.length)).toEqual([geohash, geohash])
  }
  expect(cornersOver(boxOf('s14'), 5)).toEqual(['s1400', 's14zz'])
  expect(cornersOver([0, 0, 0, 0], 5)).toEqual(['s0000', 's0000'])
})

test('a rectangle is listed row by row from the south-west', () => {
  expect(geohashesBetween('s14mh', 's14mu')).toEqual(['s14mh', 's14mk', 's14ms', 's14mu'].sort(bySouthThenWest))
  expect(countBetween('s14hn', 's14wm')).toBe(geohashesBetween('s14hn', 's14wm').length)
})

const bySouthThenWest = (a: string, b: string) => {
  const [[south, west], [otherSouth, otherWest]] = [boxOf(a), boxOf(b)]
  return south - otherSouth || west - otherWest
}

test('what is no geohash is refused', () => {
  expect(() => boxOf('s14a')).toThrow('geohash: expected characters of 0123456789bcdefghjkmnpqrstuvwxyz, got "s14a"')
})
