/** Geohashes: the names of cells and tiles. Positions are WGS 84 degrees. */

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz'

/** South, west, north, east, in degrees: the order of every box in the API. */
export type Box = readonly [south: number, west: number, north: number, east: number]

/**
 * The box that a geohash covers.
 * @throws RangeError when the text is no geohash
 */
export function boxOf(geohash: string): Box {
  let south = -90
  let west = -180
  let latSpan = 180
  let lonSpan = 360
  let splitsLon = true
  for (const character of geohash) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) throw new RangeError(`geohash: expected characters of ${ALPHABET}, got ${JSON.stringify(geohash)}`)
    for (let bit = 16; bit > 0; bit >>= 1) {
      const upper = (value & bit) !== 0
      if (splitsLon) {
        lonSpan /= 2
        if (upper) west += lonSpan
      } else {
        latSpan /= 2
        if (upper) south += latSpan
      }
      splitsLon = !splitsLon
    }
  }
  return [south, west, south + latSpan, west + lonSpan]
}

/** Width and height in degrees of the geohashes of one length. */
export function sizeOf(precision: number): { lat: number; lon: number } {
  const bits = precision * 5
  return { lat: 180 / 2 ** Math.floor(bits / 2), lon: 360 / 2 ** Math.ceil(bits / 2) }
}
