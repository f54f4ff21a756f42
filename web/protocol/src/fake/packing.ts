/** Cells as packed tiles: what `packed.ts` reads. */

import { ALPHABET, TILE_CHARACTERS } from '../geohash.js'
import type { Tiles } from '../protocol.js'

/** The records of tiles, before deflate. */
export function pack(tiles: Tiles): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  for (const [tile, cells] of Object.entries(tiles)) {
    bytes.push(...[...tile].map((character) => character.charCodeAt(0)))
    const groups = new Map<number, number[]>()
    for (const [key, count] of Object.entries(cells)) groups.set(count, [...(groups.get(count) ?? []), numberOf(key)])
    write(bytes, groups.size)
    for (const [count, numbers] of [...groups].sort(([a], [b]) => a - b)) {
      write(bytes, count)
      write(bytes, numbers.length)
      let next = 0
      for (const number of numbers.sort((a, b) => a - b)) {
        write(bytes, number - next)
        next = number + 1
      }
    }
  }
  return new Uint8Array(bytes)
}

const numberOf = (key: string): number =>
  ALPHABET.indexOf(key.charAt(0)) * ALPHABET.length ** (TILE_CHARACTERS - 1) + ALPHABET.indexOf(key.charAt(1))

/** Appends an unsigned LEB128. */
function write(bytes: number[], number: number): void {
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128)
  bytes.push(number)
}

const MOST_IN_BLOCK = 65_535

/**
 * Bytes as base64 of deflate-raw in stored blocks (RFC 1951, 3.2.4): valid, made at once, and not a byte smaller. The
 * platform's own compression would make the fake server's order of messages a matter of luck.
 */
export function stored(bytes: Uint8Array): string {
  let binary = ''
  let offset = 0
  do {
    const block = bytes.subarray(offset, offset + MOST_IN_BLOCK)
    offset += MOST_IN_BLOCK
    const isLast = offset >= bytes.length
    const { length } = block
    binary += String.fromCharCode(Number(isLast), length & 255, length >> 8, ~length & 255, (~length >> 8) & 255)
    for (const byte of block) binary += String.fromCharCode(byte)
  } while (offset < bytes.length)
  return btoa(binary)
}
