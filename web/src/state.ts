/**
 * What is known of one viewport, and how messages change it: pure, so that every order of arrival can be tested.
 *
 * Each tile has a revision. A delta tells, per tile, on which revision it builds; one that builds on a later revision
 * than ours reveals a gap, and we ask for what changed since. Messages may come twice, late or out of order.
 */

import { boxOf, sizeOf } from './geohash'
import type { Delta, Resumed, ServerMessage, Since, Snapshot, Tiles } from './protocol'

type Counts = ReadonlyMap<string, number>

/** The corner tiles of a viewport, from its subscription's name. */
interface Extent {
  subscription: string
  south: number
  west: number
  north: number
  east: number
  /** How many tiles it has. */
  size: number
}

export interface Field {
  readonly city: string
  readonly precision: number
  readonly extent: Extent | null
  /** Null until the first snapshot is complete. */
  readonly epoch: string | null
  /** Every tile of the viewport has at least this revision. */
  readonly base: number
  /** The revisions of the tiles beyond `base`. */
  readonly revs: ReadonlyMap<string, number>
  /** The counts of each tile that is not empty, by the last two characters of the cell; never 0. */
  readonly tiles: ReadonlyMap<string, Counts>
  /** The parts that have come of a frame that is not complete. */
  readonly parts: readonly (Snapshot | Resumed)[]
  /** Deltas that cannot be applied before the answer to what was asked. */
  readonly waiting: readonly Delta[]
  /** The latest revision heard of, and the live drivers of the whole city at it. */
  readonly rev: number
  readonly drivers: number
}

/** A new state, and whether the server must be asked: for what changed `since`, or for a snapshot. */
export interface Step {
  readonly field: Field
  readonly ask: 'nothing' | 'resume' | 'snapshot'
}

// A client that waits for an answer longer than this many deltas (minutes) is better served by a snapshot.
const MOST_WAITING = 64

export function emptyField(city: string, precision: number): Field {
  return {
    city,
    precision,
    extent: null,
    epoch: null,
    base: 0,
    revs: new Map(),
    tiles: new Map(),
    parts: [],
    waiting: [],
    rev: 0,
    drivers: 0,
  }
}

/** From where to resume, or null where only a snapshot can help. */
export function sinceOf(field: Field): Since | null {
  if (field.epoch === null || field.extent === null) return null
  const allBeyondBase = field.revs.size >= field.extent.size
  return { epoch: field.epoch, rev: allBeyondBase ? Math.min(...field.revs.values()) : field.base }
}

/** All cells that hold drivers, as geohash and count. */
export function* cellsOf(field: Field): Generator<[cell: string, count: number]> {
  for (const [tile, counts] of field.tiles) for (const [key, count] of counts) yield [tile + key, count]
}

export function cellCount(field: Field): number {
  let sum = 0
  for (const counts of field.tiles.values()) sum += counts.size
  return sum
}

/** Applies one message; one that concerns something else changes nothing. */
export function apply(field: Field, message: ServerMessage): Step {
  switch (message.type) {
    case 'ack':
      if (message.action !== 'subscribe' || message.subscription === undefined) return unchanged(field)
      return unchanged(within(field, message.subscription))
    case 'error':
      return unchanged(field)
    default:
      if (message.city !== field.city || message.precision !== field.precision) return unchanged(field)
  }
  if (message.type === 'heartbeat') return isForeign(field, message) ? startOver(field, []) : unchanged(told(field, message))
  if (message.type === 'delta' && !message.resumed) return applyDelta(field, message)
  return applyPart(within(field, message.subscription), message)
}

const unchanged = (field: Field): Step => ({ field, ask: 'nothing' })

const isForeign = (field: Field, message: { epoch: string }): boolean =>
  field.epoch !== null && field.epoch !== message.epoch

const startOver = (field: Field, waiting: readonly Delta[]): Step => ({
  field: { ...field, epoch: null, base: 0, rev: 0, revs: new Map(), parts: [], waiting },
  ask: 'snapshot',
})

/** The field with its extent, which the first answer of the server tells. */
function within(field: Field, subscription: string): Field {
  if (field.extent) return field
  const corners = subscription.split('/')[2]?.split('-') ?? []
  const [southWest, northEast] = corners
  if (!southWest || !northEast || !subscription.startsWith(`${field.city}/${field.precision}/`)) return field
  const [south, west] = boxOf(southWest)
  const [, , north, east] = boxOf(northEast)
  const tile = sizeOf(southWest.length)
  const size = Math.round((north - south) / tile.lat) * Math.round((east - west) / tile.lon)
  return { ...field, extent: { subscription, south, west, north, east, size } }
}

function covers(extent: Extent, tile: string): boolean {
  const [south, west, north, east] = boxOf(tile)
  return south >= extent.south && west >= extent.west && north <= extent.north && east <= extent.east
}

/** Takes what a message says of the whole city, unless something later is known. */
const told = (field: Field, message: { rev: number; drivers: number }): Field =>
  message.rev < field.rev ? field : { ...field, rev: message.rev, drivers: message.drivers }

const revOf = (field: Field, tile: string): number => field.revs.get(tile) ?? field.base

function withCounts(old: Counts | undefined, cells: Readonly<Record<string, number>>): Counts {
  const counts = new Map(old)
  for (const key in cells) {
    const count = cells[key] ?? 0
    if (count > 0) counts.set(key, count)
    else counts.delete(key)
  }
  return counts
}

function applyDelta(field: Field, delta: Delta): Step {
  if (isForeign(field, delta)) return startOver(field, [delta])
  if (field.epoch === null || field.extent === null) return unchanged(wait(field, delta))
  const revs = new Map(field.revs)
  const tiles = new Map(field.tiles)
  let gap = false
  for (const tile in delta.tiles) {
    const known = revOf(field, tile)
    if (known >= delta.rev || !covers(field.extent, tile)) continue
    if (known < (delta.prev[tile] ?? Infinity)) {
      gap = true
      continue
    }
    put(tiles, tile, withCounts(tiles.get(tile), delta.tiles[tile] ?? {}))
    revs.set(tile, delta.rev)
  }
  const next = told({ ...field, revs, tiles }, delta)
  return gap ? { field: wait(next, delta), ask: 'resume' } : unchanged(next)
}

const wait = (field: Field, delta: Delta): Field => ({
  ...field,
  waiting: [...field.waiting, delta].slice(-MOST_WAITING),
})

function put(tiles: Map<string, Counts>, tile: string, counts: Counts): void {
  if (counts.size > 0) tiles.set(tile, counts)
  else tiles.delete(tile)
}

/** Collects the parts of a snapshot or of a resume's answer, and applies them when all are in. */
function applyPart(field: Field, message: Snapshot | Resumed): Step {
  if (field.extent?.subscription !== message.subscription) return unchanged(field)
  const [begun] = field.parts
  if (begun && begun.epoch === message.epoch && begun.rev > message.rev) return unchanged(field)
  const ours = field.parts.filter(
    (part) =>
      part.type === message.type &&
      part.epoch === message.epoch &&
      part.rev === message.rev &&
      part.parts === message.parts &&
      part.part !== message.part,
  )
  const parts = [...ours, message]
  if (parts.length < message.parts) return unchanged({ ...field, parts })
  const tiles: Tiles = Object.assign({}, ...parts.map((part) => part.tiles))
  const whole = { ...field, parts: [] }
  if (message.type === 'snapshot') return replay(applySnapshot(whole, message, tiles))
  if (field.epoch === null) return unchanged(whole)
  if (field.epoch !== message.epoch) return startOver(field, field.waiting)
  return replay(applyResumed(whole, message, tiles))
}

function applySnapshot(field: Field, message: Snapshot, received: Tiles): Field {
  const sameEpoch = field.epoch === message.epoch
  if (sameEpoch && message.rev < field.base) return field
  const tiles = new Map<string, Counts>()
  const revs = new Map<string, number>()
  for (const tile in received) put(tiles, tile, withCounts(undefined, received[tile] ?? {}))
  // A delta may have overtaken the snapshot: what is later stays.
  for (const [tile, rev] of sameEpoch ? field.revs : []) {
    if (rev <= message.rev) continue
    revs.set(tile, rev)
    put(tiles, tile, field.tiles.get(tile) ?? new Map())
  }
  return told({ ...field, epoch: message.epoch, base: message.rev, revs, tiles, rev: sameEpoch ? field.rev : 0 }, message)
}

function applyResumed(field: Field, message: Resumed, received: Tiles): Field {
  if (message.rev <= field.base) return field
  const tiles = new Map(field.tiles)
  for (const tile in received) {
    if (revOf(field, tile) < message.rev) put(tiles, tile, withCounts(tiles.get(tile), received[tile] ?? {}))
  }
  const revs = new Map([...field.revs].filter(([, rev]) => rev > message.rev))
  return told({ ...field, base: message.rev, revs, tiles }, message)
}

/** Applies the deltas that waited for the frame just applied; a gap that is still there is asked about again. */
function replay(field: Field): Step {
  let step: Step = unchanged({ ...field, waiting: [] })
  for (const delta of [...field.waiting].sort((a, b) => a.rev - b.rev)) {
    if (delta.epoch !== field.epoch) continue
    const next = applyDelta(step.field, delta)
    step = next.ask === 'nothing' ? { ...next, ask: step.ask } : next
  }
  return step
}
