/** The live protocol: what client and server say to each other, as text JSON over a WebSocket. */

import { ALPHABET, TILE_CHARACTERS, type Box } from './geohash.js'

/** What is watched; without `bbox` the whole city. The server snaps the box outward to whole tiles. */
export interface Viewport {
  city: string
  /** The characters of a cell's geohash. */
  precision: number
  bbox?: Box
}

/** How the server writes the cells of frames: as JSON, or packed to a fraction of it. */
export type Encoding = 'json' | 'deflate'

/** Where a client stands in a city's history: nothing up to `rev` of `epoch` need be told again. */
export interface Since {
  epoch: string
  rev: number
}

/** Every action carries an `id` of its sender's choice, which its answer repeats. */
export type ClientMessage = { id: string } & (
  | { action: 'subscribe'; city: string; precision: number; bbox?: Box; since?: Since; encoding: Encoding }
  | { action: 'unsubscribe'; subscription: string }
  | { action: 'hello' }
)

export interface City {
  name: string
  title: string
  time_zone: string
  bbox: Box
}

/** What the server offers. */
export interface Hello {
  cities: readonly City[]
  precisions: readonly number[]
  connection_id: string
}

/** Counts by tile and by the two characters that a cell's name adds to it; absolute, 0 = the cell went empty. */
export type Tiles = Readonly<Record<string, Readonly<Record<string, number>>>>

interface Moment {
  subscription: string
  city: string
  precision: number
  epoch: string
  /** The revision that the message brings the viewport to. */
  rev: number
  /** When the state was read, RFC 3339. */
  as_of: string
  /** How long before that the newest applied ping was received. */
  lag_ms: number
  /** Live drivers in the whole city. */
  drivers: number
}

/** The cells, in one of two ways; a frame too large for one message comes in parts, which only count together. */
type Cells = { part?: number; parts?: number } & ({ tiles: Tiles } | { packed: string })

export type SnapshotMessage = { type: 'snapshot' } & Moment & Cells
/** Whoever has the viewport at `prev` or later gets to `rev` by this message. */
export type DeltaMessage = { type: 'delta'; prev: number } & Moment & Cells
export type HeartbeatMessage = { type: 'heartbeat'; prev: number } & Moment
export type FrameMessage = SnapshotMessage | DeltaMessage | HeartbeatMessage

export interface SubscribeAck {
  type: 'ack'
  action: 'subscribe'
  id?: string
  subscription: string
  epoch: string
  rev: number
  /** A viewport without a frame for so long gets a heartbeat. */
  heartbeat_seconds: number
  /** The least count, other than 0, that the token is shown; 1, or left out by an older server: counts are exact. */
  min_cell_drivers?: number
}

export interface UnsubscribeAck {
  type: 'ack'
  action: 'unsubscribe'
  id?: string
  subscription: string
}

export type HelloAck = { type: 'ack'; action: 'hello'; id?: string } & Hello

export interface ErrorMessage {
  type: 'error'
  action: string
  id?: string
  code: string
  message: string
}

/** API Gateway itself answered, and not the application: it does not say what. */
export interface GatewayMessage {
  type: 'gateway'
  message: string
}

export type ServerMessage = FrameMessage | SubscribeAck | UnsubscribeAck | HelloAck | ErrorMessage | GatewayMessage

/** A message that does not follow the protocol; says what was expected and what came. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

// A frame is split by tile, and a viewport has no more tiles than this.
const MOST_PARTS = 1_024

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const A_TILE = new RegExp(`^[${ALPHABET}]+$`)
const A_KEY = new RegExp(`^[${ALPHABET}]{${TILE_CHARACTERS}}$`)
const A_SUBSCRIPTION = new RegExp(`^[^/]+/\\d+/[${ALPHABET}]+-[${ALPHABET}]+$`)

/**
 * The message in a text, checked; null for a type or an acknowledged action that this client does not know, which a
 * newer server may send.
 * @throws ProtocolError
 */
export function decode(text: string): ServerMessage | null {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    throw new ProtocolError(`message: expected JSON, got ${shown(text)}`)
  }
  expect(isObject(fields), 'message', 'an object', fields)
  if (fields['id'] !== undefined) expectText(fields, 'id')
  switch (fields['type']) {
    case 'snapshot':
    case 'delta':
      expectMoment(fields)
      expectCells(fields)
      break
    case 'heartbeat':
      expectMoment(fields)
      break
    case 'ack':
      if (!expectAck(fields)) return null
      break
    case 'error':
      expectText(fields, 'action', 'code', 'message')
      break
    case undefined:
      expectText(fields, 'message')
      return { type: 'gateway', message: String(fields['message']) }
    default:
      return null
  }
  return fields as unknown as ServerMessage
}

function shown(value: unknown): string {
  try {
    return String(JSON.stringify(value)).slice(0, 80)
  } catch {
    // Deeper than it can be written, though it could be read.
    return 'something too deep'
  }
}

function expect(good: boolean, where: string, expected: string, got: unknown): asserts good {
  if (!good) throw new ProtocolError(`${where}: expected ${expected}, got ${shown(got)}`)
}

function expectText(fields: Fields, ...names: string[]): void {
  for (const name of names) expect(typeof fields[name] === 'string', name, 'text', fields[name])
}

function expectCounts(fields: Fields, ...names: string[]): void {
  for (const name of names) expect(isCount(fields[name]), name, 'a whole number from 0', fields[name])
}

function expectMoment(fields: Fields): void {
  expectText(fields, 'city', 'epoch', 'as_of')
  expectCounts(fields, 'precision', 'rev', 'drivers')
  // Clocks differ, so a lag may come out below zero.
  expect(Number.isFinite(fields['lag_ms']), 'lag_ms', 'milliseconds', fields['lag_ms'])
  expectSubscription(fields)
  const { city, precision, subscription } = fields
  const place = `${city}/${precision}/`
  expect(String(subscription).startsWith(place), 'subscription', `one in ${place}`, subscription)
  if (fields['type'] !== 'snapshot') expectCounts(fields, 'prev')
}

function expectSubscription({ subscription }: Fields): void {
  const good = typeof subscription === 'string' && A_SUBSCRIPTION.test(subscription)
  expect(good, 'subscription', 'a name as lagos/7/s14hn-s14wm', subscription)
}

function expectCells(fields: Fields): void {
  const { part, parts, packed, tiles } = fields
  if (part !== undefined || parts !== undefined) {
    expect(isCount(parts) && parts >= 1 && parts <= MOST_PARTS, 'parts', `1 to ${MOST_PARTS}`, parts)
    expect(isCount(part) && part >= 1 && part <= parts, 'part', `1 to ${parts}`, part)
  }
  if (packed === undefined) expectTiles(tiles, Number(fields['precision']) - TILE_CHARACTERS)
  else expectText(fields, 'packed')
}

function expectTiles(tiles: unknown, length: number): void {
  expect(isObject(tiles), 'tiles', 'an object', tiles)
  for (const tile in tiles) {
    const cells = tiles[tile]
    expect(tile.length === length && A_TILE.test(tile), 'tiles', `geohashes of ${length} characters`, tile)
    expect(isObject(cells), `tiles.${tile}`, 'an object', cells)
    for (const key in cells) {
      expect(A_KEY.test(key), `tiles.${tile}`, `the last ${TILE_CHARACTERS} characters of geohashes`, key)
      expect(isCount(cells[key]), `tiles.${tile}.${key}`, 'a whole number from 0', cells[key])
    }
  }
}

/** Whether it is the ack of an action of ours. */
function expectAck(fields: Fields): boolean {
  expectText(fields, 'action')
  switch (fields['action']) {
    case 'subscribe':
      expectSubscription(fields)
      expectText(fields, 'epoch')
      expectCounts(fields, 'rev')
      expect(Number(fields['heartbeat_seconds']) > 0, 'heartbeat_seconds', 'seconds', fields['heartbeat_seconds'])
      expectLeast(fields)
      return true
    case 'unsubscribe':
      expectSubscription(fields)
      return true
    case 'hello':
      expectHello(fields)
      return true
    default:
      return false
  }
}

function expectLeast({ min_cell_drivers: least }: Fields): void {
  expect(least === undefined || (isCount(least) && least > 0), 'min_cell_drivers', 'a whole number from 1', least)
}

function expectHello(fields: Fields): void {
  const { cities, precisions } = fields
  expectText(fields, 'connection_id')
  expect(Array.isArray(precisions) && precisions.every(isCount), 'precisions', 'whole numbers', precisions)
  expect(Array.isArray(cities), 'cities', 'a list', cities)
  for (const city of cities as unknown[]) {
    expect(isObject(city), 'cities', 'objects', city)
    expectText(city, 'name', 'title', 'time_zone')
    const { bbox } = city
    expect(Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite), 'bbox', 'four numbers', bbox)
  }
}
