/**
 * Rectangles of tiles, as the server snaps viewports to them: what is asked for, and whether it covers what is looked
 * at.
 */

import { boxOf, cornersOver, sizeOf, type Box } from 'fleetglow-protocol'

/** A tile's name is so much shorter than that of its cells. */
const TILE_CHARACTERS = 2
/** The most that the server takes in one viewport. */
export const MOST_TILES = 1_024

export interface TileRange {
  /** Of the cells. */
  readonly precision: number
  readonly southWest: string
  readonly northEast: string
}

/** The tiles of a precision's cells that a box touches. */
export function tilesOver(box: Box, precision: number): TileRange {
  const [southWest, northEast] = cornersOver(box, precision - TILE_CHARACTERS)
  return { precision, southWest, northEast }
}

/** The box that the tiles cover. */
export function extentOf({ southWest, northEast }: TileRange): Box {
  const [south, west] = boxOf(southWest)
  const [, , north, east] = boxOf(northEast)
  return [south, west, north, east]
}

export function tileCount(range: TileRange): number {
  const [south, west, north, east] = extentOf(range)
  const { lat, lon } = sizeOf(range.southWest.length)
  return Math.round((north - south) / lat) * Math.round((east - west) / lon)
}

/** Whether all of `inner` lies in `outer`; tiles of another precision never do. */
export function covers(outer: TileRange, inner: TileRange): boolean {
  const [o, i] = [extentOf(outer), extentOf(inner)]
  return outer.precision === inner.precision && o[0] <= i[0] && o[1] <= i[1] && o[2] >= i[2] && o[3] >= i[3]
}

/**
 * A box that the server snaps to exactly these tiles: it ends inside the outermost ones, where no rounding can add a
 * row, and all who see the same tiles ask for the same box.
 */
export function boxWithin({ southWest, northEast }: TileRange): Box {
  const [south, west] = inside(boxOf(southWest), 0.25)
  const [north, east] = inside(boxOf(northEast), 0.75)
  return [south, west, north, east]
}

const inside = ([south, west, north, east]: Box, share: number): [lat: number, lon: number] => [
  south + (north - south) * share,
  west + (east - west) * share,
]

/** The part of a box that lies in another; null where they are apart. */
export function overlap(a: Box, b: Box): Box | null {
  const box: Box = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]
  return box[0] < box[2] && box[1] < box[3] ? box : null
}

/**
 * The tiles to watch for what is looked at: no further than the city, which has no drivers outside, and no more than
 * the server takes. Null when one looks past the city.
 */
export function tilesFor(visible: Box, city: Box, precision: number, precisions: readonly number[]): TileRange | null {
  const seen = overlap(visible, city)
  if (!seen) return null
  const coarser = precisions.filter((other) => other <= precision).sort((a, b) => b - a)
  const ranges = coarser.map((each) => tilesOver(seen, each))
  return ranges.find((range) => tileCount(range) <= MOST_TILES) ?? ranges.at(-1) ?? null
}
