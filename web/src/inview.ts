/** How many drivers are in the cells that one sees. */

import { boxOf, type Box } from 'fleetglow-protocol'

/** The drivers in the cells whose middle lies in a box. */
export function driversIn(cells: ReadonlyMap<string, number>, [south, west, north, east]: Box): number {
  let sum = 0
  for (const [cell, count] of cells) {
    const box = boxOf(cell)
    const lat = (box[0] + box[2]) / 2
    const lon = (box[1] + box[3]) / 2
    if (lat >= south && lat <= north && lon >= west && lon <= east) sum += count
  }
  return sum
}
