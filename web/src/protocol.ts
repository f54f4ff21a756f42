/** The live protocol: what the page and the server say to each other, as text JSON over a WebSocket. */

import type { Box } from './geohash'

/** Where a viewer stands in a city's history: nothing up to `rev` of `epoch` need be told again. */
export interface Since {
  epoch: string
  rev: number
}

export type ClientMessage =
  | { action: 'subscribe'; city: string; precision: number; bbox?: Box; since?: Since }
  | { action: 'unsubscribe'; subscription: string }

/** Counts by tile and by the two characters that a cell's name adds to its tile's; absolute, 0 = the cell went empty. */
export type Tiles = Readonly<Record<string, Readonly<Record<string, number>>>>

interface Stamp {
  city: string
  precision: number
  epoch: string
  rev: number
  as_of: string
  /** How old the frame's newest event was when the frame was sent, in milliseconds. */
  lag_ms: number
  /** Live drivers in the whole city. */
  drivers: number
}

/** A frame too large for one message comes in parts, which only count together. */
interface Part {
  part: number
  parts: number
}

export interface Snapshot extends Stamp, Part {
  type: 'snapshot'
  subscription: string
  tiles: Tiles
}

/** The answer to a `subscribe` with `since`: it brings every tile of the viewport from there to `rev`. */
export interface Resumed extends Stamp, Part {
  type: 'delta'
  resumed: true
  subscription: string
  tiles: Tiles
}

export interface Delta extends Stamp {
  type: 'delta'
  tiles: Tiles
  /** By tile, the revision on which these counts build. */
  prev: Readonly<Record<string, number>>
  resumed?: false
}

export interface Heartbeat extends Stamp {
  type: 'heartbeat'
}

export interface Ack {
  type: 'ack'
  action: string
  subscription?: string
  /** A viewport without a frame for so long gets a heartbeat. */
  heartbeat_seconds?: number
}

export interface Refusal {
  type: 'error'
  code: string
  message: string
  action?: string
}

export type ServerMessage = Snapshot | Resumed | Delta | Heartbeat | Ack | Refusal

/** A message that does not follow the protocol; says what was expected and what came. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function expect(good: boolean, where: string, expected: string, got: unknown): asserts good {
  if (!good) throw new ProtocolError(`${where}: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 80)}`)
}

function expectText(fields: Fields, ...names: string[]): void {
  for (const name of names) expect(typeof fields[name] === 'string', name, 'text', fields[name])
}

function expectCounts(fields: Fields, ...names: string[]): void {
  for (const name of names) expect(isCount(fields[name]), name, 'a whole number from 0', fields[name])
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function expectCountsIn(value: unknown, where: string): void {
  expect(isObject(value), where, 'an object', value)
  for (const name in value) expect(isCount(value[name]), `${where}.${name}`, 'a whole number from 0', value[name])
}

const GEOHASH = /^[0-9b-hjkmnp-z]{1,12}$/
const SUBSCRIPTION = /^[^/]+\/\d+\/[0-9b-hjkmnp-z]+-[0-9b-hjkmnp-z]+$/

function expectTiles(value: unknown): void {
  expect(isObject(value), 'tiles', 'an object', value)
  for (const tile in value) {
    const cells = value[tile]
    expect(GEOHASH.test(tile), 'tiles', 'geohashes', tile)
    expectCountsIn(cells, `tiles.${tile}`)
    for (const key in cells as Fields) expect(GEOHASH.test(key), `tiles.${tile}`, 'the ends of geohashes', key)
  }
}

function expectSubscription(value: unknown): void {
  expect(typeof value === 'string' && SUBSCRIPTION.test(value), 'subscription', 'a name as lagos/7/s14hn-s14wm', value)
}

function expectStamp(fields: Fields): void {
  expectText(fields, 'city', 'epoch', 'as_of')
  expectCounts(fields, 'precision', 'rev', 'drivers')
  // Clocks differ, so a lag may come out below zero.
  expect(Number.isFinite(fields['lag_ms']), 'lag_ms', 'milliseconds', fields['lag_ms'])
}

function expectPart(fields: Fields): void {
  expectSubscription(fields['subscription'])
  expectCounts(fields, 'part', 'parts')
}

/**
 * The message in a text, checked; null for a type that this page does not know, which a newer server may send.
 * @throws ProtocolError
 */
export function decode(text: string): ServerMessage | null {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    throw new ProtocolError(`message: expected JSON, got ${JSON.stringify(text.slice(0, 80))}`)
  }
  expect(isObject(fields), 'message', 'an object', fields)
  switch (fields['type']) {
    case 'snapshot':
      expectStamp(fields)
      expectPart(fields)
      expectTiles(fields['tiles'])
      break
    case 'delta':
      expectStamp(fields)
      expectTiles(fields['tiles'])
      if (fields['resumed'] === true) expectPart(fields)
      else expectCountsIn(fields['prev'], 'prev')
      break
    case 'heartbeat':
      expectStamp(fields)
      break
    case 'ack':
      expectText(fields, 'action')
      if (fields['subscription'] !== undefined) expectSubscription(fields['subscription'])
      if (fields['heartbeat_seconds'] !== undefined) expectCounts(fields, 'heartbeat_seconds')
      break
    case 'error':
      expectText(fields, 'code', 'message')
      break
    default:
      return null
  }
  return fields as unknown as ServerMessage
}
