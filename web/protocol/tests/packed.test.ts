import { expect, test } from 'vitest'
import vectors from '../../../tests/vectors/packed.json'
import { pack, stored } from '../src/fake/packing.js'
import { inflate, unpack } from '../src/packed.js'
import { ProtocolError, type Tiles } from '../src/protocol.js'

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array([...hex.matchAll(/../g)].map(([byte]) => Number.parseInt(byte, 16)))

const cellsOf = (tiles: Tiles): Map<string, number> =>
  new Map(
    Object.entries(tiles).flatMap(([tile, cells]) =>
      Object.entries(cells).map(([key, n]): [string, number] => [tile + key, n]),
    ),
  )

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return base64(new Uint8Array(await new Response(stream).arrayBuffer()))
}

// JSON modules are typed as unions in which each tile is optional.
const VECTORS = vectors as unknown as { name: string; precision: number; tiles: Tiles; packed_hex: string }[]

test.each(VECTORS)('$name: unpacked as server and other clients agreed', ({ precision, tiles, packed_hex }) => {
  expect(unpack(bytesOf(packed_hex), precision)).toEqual(cellsOf(tiles))
})

test.each(VECTORS)('$name: packed as server and other clients agreed', ({ tiles, packed_hex }) => {
  expect(pack(tiles)).toEqual(bytesOf(packed_hex))
})

test.each(VECTORS)('$name: survives deflate, and stored blocks', async ({ packed_hex }) => {
  expect(await inflate(await deflated(bytesOf(packed_hex)))).toEqual(bytesOf(packed_hex))
  expect(await inflate(stored(bytesOf(packed_hex)))).toEqual(bytesOf(packed_hex))
})

test('what the server has deflated is read', async () => {
  // By zlib 1.3: s14mk with three drivers in 2x, s14ms with 200 in zz and none in 31.
  expect(unpack(await inflate('KzY0yc1mZGaMLQYyipkYGBNPMDL+ZwcA'), 7)).toEqual(
    new Map([
      ['s14mk2x', 3],
      ['s14ms31', 0],
      ['s14mszz', 200],
    ]),
  )
})

test('a block of more than 64 KB is stored as several', async () => {
  const bytes = new Uint8Array(70_000).map((_, i) => i % 251)
  expect(await inflate(stored(bytes))).toEqual(bytes)
})

test.each([
  ['a tile that ends', '7331346d', 'packed: expected more than 4 bytes'],
  ['a group that ends', '7331346d6b0101', 'packed: expected more than 7 bytes'],
  ['a number that ends', '7331346d6b0101018f', 'packed: expected more than 9 bytes'],
  ['a number that does not end', `7331346d6b01${'80'.repeat(20)}`, 'packed: expected a number of at most 8 bytes'],
  [
    'a count beyond all numbers',
    `7331346d6b01${'ff'.repeat(7)}7f0100`,
    'packed: expected a number up to 9007199254740991',
  ],
  ['a cell beyond the tile', '7331346d6b0101018008', 'packed: expected a cell up to 1023, got 1024'],
  ['a gap that leads beyond the tile', '7331346d6b010102ff0700', 'packed: expected a cell up to 1023, got 1024'],
  ['more groups than cells', '7331346d6b8108', 'packed: expected a number up to 1024, got 1025'],
  ['more cells than a tile has', '7331346d6b01018108', 'packed: expected a number up to 1024, got 1025'],
  ['a tile that is no geohash', '61313262630100', 'packed: expected a geohash, got "a"'],
])('%s is refused', (_, hex, message) => {
  expect(() => unpack(bytesOf(hex), 7)).toThrow(message)
  expect(() => unpack(bytesOf(hex), 7)).toThrow(ProtocolError)
})

test.each([
  ['no base64', '!'],
  ['no deflate', btoa('something else')],
  ['deflate that ends early', stored(new Uint8Array(9)).slice(0, 12)],
])('%s is refused', async (_, text) => {
  await expect(inflate(text)).rejects.toThrow(ProtocolError)
})

test('a bomb is refused before it has filled the memory', async () => {
  const bomb = await deflated(new Uint8Array(8 * 1024 * 1024))
  expect(bomb.length).toBeLessThan(16_000)
  await expect(inflate(bomb)).rejects.toThrow('packed: expected at most 4194304 bytes, got more')
})
