import { expect, test } from 'vitest'
import { pack } from '../src/fake/packing.js'
import { inflate, unpack } from '../src/packed.js'
import { decode, ProtocolError, type Tiles } from '../src/protocol.js'
import { seeded } from './support.js'

const ROUNDS = 2_000
const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz'
const MOMENT = {
  subscription: 'lagos/7/s14mh-s14mu',
  city: 'lagos',
  precision: 7,
  epoch: '9c1f02ab',
  rev: 123,
  as_of: '2026-01-31T12:00:00.000Z',
  lag_ms: 40,
  drivers: 9876,
}
const ACK = { type: 'ack', action: 'subscribe', id: '1', subscription: MOMENT.subscription, epoch: 'e1', rev: 1 }
const PLACE = { name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [6.35, 3.1, 6.75, 3.75] }
const GOOD: readonly object[] = [
  { type: 'snapshot', ...MOMENT, tiles: { s14mk: { '2x': 3 } }, part: 1, parts: 2 },
  { type: 'delta', ...MOMENT, prev: 122, packed: 'AwA=' },
  { type: 'heartbeat', ...MOMENT, prev: 122 },
  { ...ACK, heartbeat_seconds: 15, min_cell_drivers: 3 },
  { type: 'ack', action: 'hello', connection_id: 'c1', precisions: [4, 5], cities: [PLACE] },
  { type: 'error', action: '$default', code: 'unknown_action', message: 'action: expected one of …' },
]

/** Chance by a seed: a round that fails is named by it, and fails again. */
class Dice {
  private readonly random: () => number

  constructor(seed: number) {
    this.random = seeded(seed)
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  of<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }

  bytes(most: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: this.below(most + 1) }, () => this.below(256))
  }

  text(): string {
    return String.fromCharCode(...this.bytes(12))
  }

  /** Anything that JSON can write. */
  value(depth = 3): unknown {
    const scalars = [null, true, -1, 0, 1, 0.5, 2 ** 53, 1e308, '', '__proto__', '\ud800', this.text()] as const
    if (depth === 0 || this.below(3) > 0) return this.of(scalars)
    const values = Array.from({ length: this.below(4) }, () => this.value(depth - 1))
    return this.below(2) ? values : Object.fromEntries(values.map((each) => [this.text(), each]))
  }

  /** A document in which something is another thing, or missing. */
  spoiled(good: object): unknown {
    const copy = structuredClone(good) as Record<string, unknown>
    let holder = copy
    for (;;) {
      const keys = Object.keys(holder)
      const key = keys[this.below(keys.length)] ?? this.text()
      const inside = holder[key]
      if (typeof inside === 'object' && inside !== null && this.below(2)) {
        holder = inside as Record<string, unknown>
        continue
      }
      if (this.below(3)) holder[key] = this.value()
      else delete holder[key]
      return copy
    }
  }

  /** A text of which a stretch is another one. */
  damaged(text: string): string {
    const at = this.below(text.length)
    return text.slice(0, at) + this.text() + text.slice(at + this.below(8))
  }

  tiles(): Tiles {
    const name = (length: number) => Array.from({ length }, () => ALPHABET[this.below(32)]).join('')
    const count = () => this.of([0, 1, 1, 2, 127, 128, 300, this.below(2 ** 31)])
    const cells = () => Object.fromEntries(Array.from({ length: 1 + this.below(40) }, () => [name(2), count()]))
    return Object.fromEntries(Array.from({ length: this.below(5) }, () => [name(5), cells()]))
  }
}

/** What it returns, or null where it refuses as it is documented to; what else it throws is thrown. */
function understood<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError && error.message.includes(': expected ')) return null
    throw error
  }
}

test('whatever comes is a message or refused', () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const dice = new Dice(seed)
    const good = GOOD[dice.below(GOOD.length)] ?? {}
    const text = [
      () => dice.text(),
      () => JSON.stringify(dice.value()),
      () => JSON.stringify(dice.spoiled(good)),
      () => dice.damaged(JSON.stringify(good)),
    ][dice.below(4)]?.()
    const message = understood(() => decode(text ?? ''))
    if (message?.type === 'snapshot' || message?.type === 'delta') {
      expect(message.subscription.startsWith(`${message.city}/${message.precision}/`), `seed ${seed}`).toBe(true)
      expect('tiles' in message || typeof message.packed === 'string', `seed ${seed}`).toBe(true)
    }
  }
})

test.each([100, 5_000, 60_000])('what is nested %i deep is refused', (depth) => {
  const nested = '['.repeat(depth) + ']'.repeat(depth)
  for (const text of [nested, `{"type":"ack","action":${nested}}`, `{"type":"snapshot","city":${nested}}`])
    expect(understood(() => decode(text))).toBeNull()
})

test('whatever bytes come are cells or refused', async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const dice = new Dice(seed)
    const good = pack(dice.tiles())
    const at = dice.below(good.length + 1)
    const bytes = dice.below(2) ? dice.bytes(60) : Uint8Array.from([...good.slice(0, at), ...dice.bytes(4)])
    const cells = understood(() => unpack(bytes, 7))
    for (const [cell, count] of cells ?? []) {
      expect(cell, `seed ${seed}`).toMatch(/^[0-9b-hjkmnp-z]{7}$/)
      expect(Number.isSafeInteger(count) && count >= 0, `seed ${seed}`).toBe(true)
    }
  }
})

test('what was packed is there again', () => {
  for (let seed = 1; seed <= ROUNDS / 4; seed++) {
    const tiles = new Dice(seed).tiles()
    const cells = Object.entries(tiles).flatMap(([tile, counts]) =>
      Object.entries(counts).map(([key, count]): [string, number] => [tile + key, count]),
    )
    expect(unpack(pack(tiles), 7), `seed ${seed}`).toEqual(new Map(cells))
  }
})

test('whatever text comes is bytes or refused', async () => {
  for (let seed = 1; seed <= ROUNDS / 10; seed++) {
    const dice = new Dice(seed)
    const text = dice.below(2) ? dice.text() : btoa(String.fromCharCode(...dice.bytes(60)))
    await inflate(text).catch((error: unknown) => expect(error, `seed ${seed}`).toBeInstanceOf(ProtocolError))
  }
})
