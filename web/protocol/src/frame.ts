/** A frame or heartbeat as the state takes it, however its cells were written. */

import { inflate, unpack } from './packed.js'
import type { FrameMessage, Tiles } from './protocol.js'

/** Drivers by cell; in a delta 0 means that the cell went empty. */
export type Counts = ReadonlyMap<string, number>

export interface Frame {
  readonly type: 'snapshot' | 'delta' | 'heartbeat'
  readonly subscription: string
  readonly epoch: string
  /** The revision on which it builds; a snapshot builds on nothing. */
  readonly prev: number
  readonly rev: number
  readonly asOf: string
  readonly lagMs: number
  readonly drivers: number
  /** Which of how many; 1 of 1 is whole. */
  readonly part: number
  readonly parts: number
  readonly cells: Counts
}

const NONE: Counts = new Map()

/** The frame in a message: at once, or, where it has to be inflated, later. Fails with ProtocolError. */
export function frameOf(message: FrameMessage): Frame | Promise<Frame> {
  if (message.type === 'heartbeat') return framed(message, NONE)
  if ('tiles' in message) return framed(message, countsOf(message.tiles))
  return inflate(message.packed).then((bytes) => framed(message, unpack(bytes, message.precision)))
}

function framed(message: FrameMessage, cells: Counts): Frame {
  const { part = 1, parts = 1 } = message.type === 'heartbeat' ? {} : message
  return {
    type: message.type,
    subscription: message.subscription,
    epoch: message.epoch,
    prev: message.type === 'snapshot' ? 0 : message.prev,
    rev: message.rev,
    asOf: message.as_of,
    lagMs: message.lag_ms,
    drivers: message.drivers,
    part,
    parts,
    cells,
  }
}

function countsOf(tiles: Tiles): Counts {
  const counts = new Map<string, number>()
  for (const tile in tiles) {
    const cells = tiles[tile] ?? {}
    for (const key in cells) counts.set(tile + key, cells[key] ?? 0)
  }
  return counts
}
