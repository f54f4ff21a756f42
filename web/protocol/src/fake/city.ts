import { ALPHABET, TILE_CHARACTERS } from '../geohash.js'
import type { Since } from '../protocol.js'

interface Cell {
  count: number
  /** The revision of its last change. */
  rev: number
}

/** The truth about one city: drivers by cell, consistent at every precision, and what changed since when. */
export class FakeCity {
  epoch = 'e1'
  rev = 100
  /** Resuming from before this revision is answered by a snapshot. */
  resumableFrom = 0
  private readonly precisions: readonly number[]
  private readonly cells: Map<string, Cell>[]

  constructor(precisions: readonly number[]) {
    this.precisions = precisions
    this.cells = precisions.map(() => new Map())
  }

  /** How many drivers there are. */
  get drivers(): number {
    let sum = 0
    for (const count of this.at(0).values()) sum += count
    return sum
  }

  /** The cells of a precision that hold drivers. */
  counts(precision: number): Map<string, number> {
    return this.at(this.precisions.indexOf(precision))
  }

  /**
   * Sets the drivers in cells, which may be of any precision; one revision. Those of a coarse cell are put into the
   * first of the finest cells in it. Throws RangeError for what is no cell.
   */
  set(counts: Readonly<Record<string, number>>): void {
    const [coarsest, finest] = [Math.min(...this.precisions), Math.max(...this.precisions)]
    const aCell = new RegExp(`^[${ALPHABET}]{${coarsest},${finest}}$`)
    for (const name of Object.keys(counts)) {
      if (!aCell.test(name))
        throw new RangeError(`cell: expected a geohash of ${coarsest} to ${finest} characters, got ${name}`)
    }
    this.rev += 1
    const cells = this.cells[this.precisions.indexOf(finest)] ?? new Map<string, Cell>()
    for (const [name, count] of Object.entries(counts)) {
      for (const [cell, held] of cells) if (cell.startsWith(name)) this.add(cell, -held.count)
      this.add(name.padEnd(finest, '0'), count)
    }
  }

  /** A new life of the city's state: nothing is in it, and revisions begin again. */
  rebirth(epoch: string): void {
    this.epoch = epoch
    this.rev = 1
    for (const cells of this.cells) cells.clear()
  }

  canResume({ epoch, rev }: Since): boolean {
    return epoch === this.epoch && rev >= this.resumableFrom && rev <= this.rev
  }

  /** By tile, the cells of these tiles that changed after a revision; of those that did not, none. */
  changes(precision: number, tiles: ReadonlySet<string>, since: number): Record<string, Record<string, number>> {
    return this.byTile(precision, tiles, ({ rev }) => rev > since)
  }

  /** By tile, the cells of these tiles that hold drivers. */
  snapshot(precision: number, tiles: ReadonlySet<string>): Record<string, Record<string, number>> {
    return this.byTile(precision, tiles, ({ count }) => count > 0)
  }

  private byTile(precision: number, tiles: ReadonlySet<string>, takes: (cell: Cell) => boolean) {
    const found: Record<string, Record<string, number>> = {}
    for (const [name, cell] of this.cells[this.precisions.indexOf(precision)] ?? []) {
      const tile = name.slice(0, -TILE_CHARACTERS)
      if (tiles.has(tile) && takes(cell)) (found[tile] ??= {})[name.slice(-TILE_CHARACTERS)] = cell.count
    }
    return found
  }

  private at(index: number): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [cell, { count }] of this.cells[index] ?? []) if (count > 0) counts.set(cell, count)
    return counts
  }

  private add(finest: string, drivers: number): void {
    if (drivers === 0) return
    this.precisions.forEach((precision, i) => {
      const cells = this.cells[i]
      const name = finest.slice(0, precision)
      cells?.set(name, { count: (cells.get(name)?.count ?? 0) + drivers, rev: this.rev })
    })
  }
}
