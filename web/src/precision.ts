/** Which precision suits a zoom: cells large enough to be told apart, small enough to show where the drivers are. */

import { pixelsPerWorld } from './camera'
import { sizeOf } from 'fleetglow-protocol'

/**
 * A cell's least size in CSS pixels. Each precision's cells are 5.7 times as large as the next one's, so they grow to
 * 30 before the next precision takes over.
 */
export const LEAST_CELL_PX = 5.3
/** How far beyond the border between two precisions one must zoom to change: so that it does not flap. */
const HYSTERESIS = 0.15

/**
 * The size of a cell in CSS pixels: the mean of its sides, for those of every second precision are twice as wide as
 * high.
 */
export function cellPixels(precision: number, zoom: number, lat: number): number {
  const size = sizeOf(precision)
  const pixelsPerDegree = pixelsPerWorld(zoom) / 360
  // Mercator stretches heights as it stretches widths, and a degree of latitude by that much against one of longitude.
  return pixelsPerDegree * Math.sqrt((size.lon * size.lat) / Math.cos((lat * Math.PI) / 180))
}

/**
 * The finest precision whose cells have the least size; the coarsest if none has.
 * @param precisions those that the server has
 * @param before the one that is shown, which stays near the border
 */
export function precisionFor(
  zoom: number,
  lat: number,
  precisions: readonly number[],
  before: number | null = null,
  leastPx = LEAST_CELL_PX,
): number {
  const fromFine = [...precisions].sort((a, b) => b - a)
  const fits = (precision: number): boolean => {
    const share = before === null ? 1 : precision > before ? 1 + HYSTERESIS : 1 - HYSTERESIS
    return cellPixels(precision, zoom, lat) >= leastPx * share
  }
  return fromFine.find(fits) ?? fromFine.at(-1) ?? 7
}

/** A dense screen shows smaller cells as clearly. */
export const leastCellPx = (pixelRatio: number): number =>
  LEAST_CELL_PX / Math.sqrt(Math.min(3, Math.max(1, pixelRatio)))
