/** Packed tiles: cells grouped by their count, as ascending gaps, in LEB128 numbers, deflated, as base64. */

import { ALPHABET, TILE_CHARACTERS } from './geohash.js'
import { ProtocolError } from './protocol.js'

/** Whether this platform can read `"encoding":"deflate"`. */
export function supportsDeflate(): boolean {
  try {
    new DecompressionStream('deflate-raw')
    return true
  } catch {
    return false
  }
}

// A message has at most 128 KB, of which cells inflate to a few times as much. Deflate alone could make 100 MB of it.
const MOST_BYTES = 4 * 1024 * 1024

const CELLS_IN_TILE = ALPHABET.length ** TILE_CHARACTERS
const KEYS = [...ALPHABET].flatMap((first) => [...ALPHABET].map((second) => first + second))

/**
 * The bytes in base64 of deflate-raw.
 * @throws ProtocolError when it is something else, or larger than any frame
 */
export async function inflate(base64: string, mostBytes = MOST_BYTES): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    const reader = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      chunks.push(read.value)
      length += read.value.length
      if (length > mostBytes) {
        await reader.cancel()
        throw new ProtocolError(`packed: expected at most ${mostBytes} bytes, got more`)
      }
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    throw new ProtocolError(`packed: expected base64 of deflate-raw (${String(error)})`)
  }
  return joined(chunks, length)
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (first?.length === length) return first
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

/**
 * The cells in the records of tiles, with their counts; 0 = the cell went empty.
 * @throws ProtocolError
 */
export function unpack(bytes: Uint8Array, precision: number): Map<string, number> {
  const cells = new Map<string, number>()
  const reader = new Reader(bytes)
  while (!reader.atEnd) {
    const tile = reader.geohash(precision - TILE_CHARACTERS)
    for (let groups = reader.number(CELLS_IN_TILE); groups > 0; groups--) {
      const count = reader.number()
      let next = 0
      for (let left = reader.number(CELLS_IN_TILE); left > 0; left--) {
        const cell = next + reader.number(CELLS_IN_TILE)
        const key = KEYS[cell]
        if (key === undefined)
          throw new ProtocolError(`packed: expected a cell up to ${CELLS_IN_TILE - 1}, got ${cell}`)
        cells.set(tile + key, count)
        next = cell + 1
      }
    }
  }
  return cells
}

class Reader {
  private offset = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.offset >= this.bytes.length
  }

  geohash(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++) {
      const character = String.fromCharCode(this.byte())
      if (!ALPHABET.includes(character))
        throw new ProtocolError(`packed: expected a geohash, got ${JSON.stringify(character)}`)
      text += character
    }
    return text
  }

  /** An unsigned LEB128. */
  number(most = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (value > most) throw new ProtocolError(`packed: expected a number up to ${most}, got ${value}`)
      if (byte < 128) return value
      scale *= 128
      // Without an end to it, zeros could go on for ever.
      if (scale > Number.MAX_SAFE_INTEGER) throw new ProtocolError('packed: expected a number of at most 8 bytes')
    }
  }

  private byte(): number {
    const byte = this.bytes[this.offset++]
    if (byte === undefined) throw new ProtocolError(`packed: expected more than ${this.bytes.length} bytes`)
    return byte
  }
}
