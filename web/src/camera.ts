/**
 * Where one looks from, in Web Mercator: what is visible, and from where a box is seen whole. The map answers this as
 * well, but it is a megabyte; the feed starts before it has come.
 */

import type { Box } from 'fleetglow-protocol'

/** MapLibre's: at zoom 0 the world is 512 pixels wide. */
const WORLD_PX = 512
export const LEAST_ZOOM = 1
export const MOST_ZOOM = 17
/** Where Web Mercator ends. */
const MOST_LAT = 85.051129

export interface Camera {
  readonly lat: number
  readonly lon: number
  readonly zoom: number
}

/** In CSS pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

export interface Padding {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** Position on a square world of side 1, from the north-west corner. */
export const mercator = (lat: number, lon: number): { x: number; y: number } => {
  const within = Math.min(MOST_LAT, Math.max(-MOST_LAT, lat))
  return { x: (lon + 180) / 360, y: 0.5 - Math.log(Math.tan(Math.PI / 4 + (within * Math.PI) / 360)) / (2 * Math.PI) }
}

const latOf = (y: number): number => (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90

export const pixelsPerWorld = (zoom: number): number => WORLD_PX * 2 ** zoom

/** What is seen from a camera, no further than the world. */
export function visibleBox({ lat, lon, zoom }: Camera, { width, height }: Size): Box {
  const { x, y } = mercator(lat, lon)
  const world = pixelsPerWorld(zoom)
  const [dx, dy] = [width / 2 / world, height / 2 / world]
  const within = (value: number): number => Math.min(1, Math.max(0, value))
  return [
    latOf(within(y + dy)),
    within(x - dx) * 360 - 180,
    latOf(within(y - dy)),
    within(x + dx) * 360 - 180,
  ]
}

/** The nearest camera that sees a whole box, in the middle of what the padding leaves free. */
export function cameraOver([south, west, north, east]: Box, size: Size, padding: Padding): Camera {
  const northWest = mercator(north, west)
  const southEast = mercator(south, east)
  const width = Math.max(1, size.width - padding.left - padding.right)
  const height = Math.max(1, size.height - padding.top - padding.bottom)
  const world = Math.min(width / (southEast.x - northWest.x), height / (southEast.y - northWest.y))
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, Math.log2(world / WORLD_PX)))
  const scale = pixelsPerWorld(zoom)
  const x = (northWest.x + southEast.x) / 2 + (padding.right - padding.left) / 2 / scale
  const y = (northWest.y + southEast.y) / 2 + (padding.bottom - padding.top) / 2 / scale
  return { lat: latOf(y), lon: x * 360 - 180, zoom }
}
