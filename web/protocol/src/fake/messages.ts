import type { Encoding, Tiles } from '../protocol.js'
import { pack, stored } from './packing.js'

/** A frame as messages, each within the limit unless a single tile is beyond it. */
export function messagesOf(head: object, tiles: Tiles, encoding: Encoding, mostBytes: number): object[] {
  const bodies = split(Object.entries(tiles), (some) => bodyOf(some, encoding), mostBytes)
  if (bodies.length === 1) return [{ ...head, ...bodies[0] }]
  return bodies.map((body, i) => ({ ...head, part: i + 1, parts: bodies.length, ...body }))
}

const bodyOf = (entries: [string, Tiles[string]][], encoding: Encoding): object =>
  encoding === 'deflate'
    ? { packed: stored(pack(Object.fromEntries(entries))) }
    : { tiles: Object.fromEntries(entries) }

function split<T>(items: T[], encode: (some: T[]) => object, mostBytes: number): object[] {
  const body = encode(items)
  if (items.length <= 1 || JSON.stringify(body).length <= mostBytes) return [body]
  const half = Math.floor(items.length / 2)
  return [...split(items.slice(0, half), encode, mostBytes), ...split(items.slice(half), encode, mostBytes)]
}
