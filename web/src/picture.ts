/** The cells of one viewport as the graphics card wants them, each moving from the count it had to the one it has. */

import { mercator } from './camera'
import { boxOf } from 'fleetglow-protocol'

/**
 * Per cell: its middle (relative to the anchor) and half of its size on a Mercator world of side 1; count before, now,
 * when.
 */
export const FLOATS_PER_CELL = 7

interface Cell {
  readonly x: number
  readonly y: number
  readonly halfWidth: number
  readonly halfHeight: number
  from: number
  to: number
  /** Second of the change, on the clock of the caller. */
  since: number
}

export class Picture {
  readonly precision: number
  /** Where positions are counted from: single precision is too coarse for streets unless that is near. */
  anchor = { x: 0.5, y: 0.5 }
  instances = new Float32Array(0)
  /** Half of a cell's width on a Mercator world of side 1; all cells of a precision have the same. */
  readonly halfWidth: number
  private readonly cells = new Map<string, Cell>()
  private readonly secondsToMove: number

  constructor(precision: number, secondsToMove: number) {
    this.precision = precision
    this.secondsToMove = secondsToMove
    const [, west, , east] = boxOf('s'.repeat(precision))
    this.halfWidth = (east - west) / 720
  }

  get count(): number {
    return this.instances.length / FLOATS_PER_CELL
  }

  /** Shows these cells; one that is not named any more sinks to nothing and is then forgotten. */
  show(counts: ReadonlyMap<string, number>, now: number): void {
    for (const [name, count] of counts) {
      const cell = this.cells.get(name)
      if (!cell) this.cells.set(name, { ...placed(name), from: 0, to: count, since: now })
      else if (cell.to !== count) this.move(cell, count, now)
    }
    for (const [name, cell] of this.cells) {
      if (counts.has(name)) continue
      if (cell.to > 0) this.move(cell, 0, now)
      else if (now - cell.since > this.secondsToMove) this.cells.delete(name)
    }
    this.fill()
  }

  private move(cell: Cell, count: number, now: number): void {
    const t = Math.min(1, Math.max(0, (now - cell.since) / this.secondsToMove))
    // As the shader does it: a cell that changes its mind half-way starts from where it is.
    cell.from += (cell.to - cell.from) * t * t * (3 - 2 * t)
    cell.to = count
    cell.since = now
  }

  private fill(): void {
    const [first] = this.cells.values()
    if (first) this.anchor = { x: first.x, y: first.y }
    const { x: left, y: top } = this.anchor
    const instances = new Float32Array(this.cells.size * FLOATS_PER_CELL)
    let offset = 0
    for (const { x, y, halfWidth, halfHeight, from, to, since } of this.cells.values()) {
      instances[offset] = x - left
      instances[offset + 1] = y - top
      instances[offset + 2] = halfWidth
      instances[offset + 3] = halfHeight
      instances[offset + 4] = from
      instances[offset + 5] = to
      instances[offset + 6] = since
      offset += FLOATS_PER_CELL
    }
    this.instances = instances
  }
}

function placed(name: string): Pick<Cell, 'x' | 'y' | 'halfWidth' | 'halfHeight'> {
  const [south, west, north, east] = boxOf(name)
  const { x: left, y: top } = mercator(north, west)
  const { x: right, y: bottom } = mercator(south, east)
  return { x: (left + right) / 2, y: (top + bottom) / 2, halfWidth: (right - left) / 2, halfHeight: (bottom - top) / 2 }
}
