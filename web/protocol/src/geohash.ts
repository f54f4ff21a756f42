/** Geohashes: the names of cells and tiles. Positions are WGS 84 degrees, latitude first. */

export const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz'

/** A cell's geohash is so many characters longer than its tile's. */
export const TILE_CHARACTERS = 2

/** South, west, north, east, in degrees: the order of every box in the API. */
export type Box = readonly [south: number, west: number, north: number, east: number]

/**
 * The box that a geohash covers.
 * @throws RangeError when the text is no geohash
 */
export function boxOf(geohash: string): Box {
  const { x, y } = gridOf(geohash)
  const { lat, lon } = sizeOf(geohash.length)
  return [y * lat - 90, x * lon - 180, (y + 1) * lat - 90, (x + 1) * lon - 180]
}

/** Height and width in degrees of the geohashes of one length. */
export function sizeOf(length: number): { lat: number; lon: number } {
  const bits = length * 5
  return { lat: 180 / 2 ** Math.floor(bits / 2), lon: 360 / 2 ** Math.ceil(bits / 2) }
}

/** The geohash of so many characters that holds a position; the poles and the antimeridian belong to the last ones. */
export function geohashOf(lat: number, lon: number, length: number): string {
  const size = sizeOf(length)
  const last = (span: number, step: number) => Math.round(span / step) - 1
  const x = Math.min(Math.floor((lon + 180) / size.lon), last(360, size.lon))
  const y = Math.min(Math.floor((lat + 90) / size.lat), last(180, size.lat))
  return geohashAt(x, y, length)
}

/**
 * The corners of the smallest rectangle of geohashes of one length that covers a box. An edge on the border of two
 * belongs to the one inside, as the server has it.
 */
export function cornersOver([south, west, north, east]: Box, length: number): readonly [string, string] {
  const { lat, lon } = sizeOf(length)
  const [borderLat, borderLon] = boxOf(geohashOf(north, east, length))
  const insideLat = north > south && north <= borderLat ? borderLat - lat / 2 : north
  const insideLon = east > west && east <= borderLon ? borderLon - lon / 2 : east
  return [geohashOf(south, west, length), geohashOf(insideLat, insideLon, length)]
}

/** How many geohashes lie in the rectangle of two corners of equal length, both included. */
export function countBetween(southWest: string, northEast: string): number {
  const [from, to] = [gridOf(southWest), gridOf(northEast)]
  return (to.x - from.x + 1) * (to.y - from.y + 1)
}

/** The geohashes in the rectangle of two corners of equal length, both included, row by row from the south-west. */
export function geohashesBetween(southWest: string, northEast: string): string[] {
  const [from, to] = [gridOf(southWest), gridOf(northEast)]
  const found: string[] = []
  for (let y = from.y; y <= to.y; y++) {
    for (let x = from.x; x <= to.x; x++) found.push(geohashAt(x, y, southWest.length))
  }
  return found
}

/** Column and row in the grid of all geohashes of that length: their bits take turns, longitude first. */
function gridOf(geohash: string): { x: number; y: number } {
  let x = 0
  let y = 0
  let splitsLon = true
  for (const character of geohash) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) throw new RangeError(`geohash: expected characters of ${ALPHABET}, got ${JSON.stringify(geohash)}`)
    for (let shift = 4; shift >= 0; shift--) {
      const bit = (value >> shift) & 1
      if (splitsLon) x = x * 2 + bit
      else y = y * 2 + bit
      splitsLon = !splitsLon
    }
  }
  return { x, y }
}

function geohashAt(x: number, y: number, length: number): string {
  let geohash = ''
  let [xBits, yBits] = [Math.ceil((length * 5) / 2), Math.floor((length * 5) / 2)]
  let splitsLon = true
  for (let i = 0; i < length; i++) {
    let value = 0
    for (let j = 0; j < 5; j++) {
      // Divided instead of shifted: a fine grid has more columns than 32 bits count.
      const bit = splitsLon ? Math.floor(x / 2 ** --xBits) % 2 : Math.floor(y / 2 ** --yBits) % 2
      value = value * 2 + bit
      splitsLon = !splitsLon
    }
    geohash += ALPHABET[value]
  }
  return geohash
}
