/** What a client asks, checked as strictly as the real server does. */

import { cornersOver, countBetween, geohashesBetween, TILE_CHARACTERS, type Box } from '../geohash.js'
import type { City, Encoding, Since } from '../protocol.js'

/** Tiles of one city at one precision, named as the server names them. */
export interface Watched {
  subscription: string
  city: string
  precision: number
  tiles: ReadonlySet<string>
}

export type Request =
  | { action: 'subscribe'; watched: Watched; since: Since | null; encoding: Encoding }
  | { action: 'unsubscribe'; subscription: string }
  | { action: 'hello' }
  | { action: 'ping' | 'pings'; pings: number }

/** An error that the client gets as an answer. */
export class Refused extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Fields = Readonly<Record<string, unknown>>

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  subscribe: ['city', 'precision', 'bbox', 'since', 'encoding'],
  unsubscribe: ['subscription'],
  hello: [],
  ping: ['ping'],
  pings: ['pings'],
}
const MOST_TILES = 1_024

/** @throws Refused */
export function requestIn(fields: Fields, cities: readonly City[], precisions: readonly number[]): Request {
  const { action, id } = fields
  const known = FIELDS[String(action)]
  if (!known)
    throw new Refused(
      'unknown_action',
      `action: expected one of ${Object.keys(FIELDS).join(', ')}, got ${shown(action)}`,
    )
  if (id !== undefined) expect(typeof id === 'string' && id.length <= 64, 'id', 'text of up to 64 characters', id)
  for (const name of Object.keys(fields)) {
    const allowed = ['action', 'id', ...known]
    if (!allowed.includes(name)) throw new Refused('unknown_field', `${name}: expected one of ${allowed.join(', ')}`)
  }
  switch (action) {
    case 'subscribe':
      return subscribe(fields, cities, precisions)
    case 'unsubscribe':
      expect(typeof fields['subscription'] === 'string', 'subscription', 'text', fields['subscription'])
      return { action, subscription: String(fields['subscription']) }
    case 'hello':
      return { action }
    case 'ping':
      return { action, pings: 1 }
    default:
      expect(Array.isArray(fields['pings']), 'pings', 'a list', fields['pings'])
      return { action: 'pings', pings: (fields['pings'] as unknown[]).length }
  }
}

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 80)

function expect(good: boolean, where: string, expected: string, got: unknown): asserts good {
  const code = got === undefined ? 'missing' : 'wrong_type'
  if (!good) throw new Refused(code, `${where}: expected ${expected}, got ${shown(got)}`)
}

function subscribe(fields: Fields, cities: readonly City[], precisions: readonly number[]): Request {
  const { precision, bbox, since = null, encoding = 'json' } = fields
  expect(typeof fields['city'] === 'string', 'city', 'text', fields['city'])
  const city = cities.find(({ name }) => name === fields['city'])
  const names = cities.map(({ name }) => name).join(', ')
  if (!city) throw new Refused('unknown_city', `city: expected one of ${names}, got ${shown(fields['city'])}`)
  if (typeof precision !== 'number' || !precisions.includes(precision)) {
    throw new Refused(
      'unknown_precision',
      `precision: expected one of ${precisions.join(', ')}, got ${shown(precision)}`,
    )
  }
  if (encoding !== 'json' && encoding !== 'deflate') {
    throw new Refused('unknown_encoding', `encoding: expected one of json, deflate, got ${shown(encoding)}`)
  }
  expect(since === null || isSince(since), 'since', 'epoch and rev', since)
  const watched = watchedIn(city, precision, bbox === undefined ? city.bbox : boxIn(bbox))
  return { action: 'subscribe', watched, since, encoding }
}

const isSince = (value: unknown): value is Since =>
  typeof value === 'object' &&
  value !== null &&
  'epoch' in value &&
  typeof value.epoch === 'string' &&
  'rev' in value &&
  Number.isSafeInteger(value.rev)

function boxIn(value: unknown): Box {
  expect(Array.isArray(value) && value.length === 4 && value.every(Number.isFinite), 'bbox', 'four numbers', value)
  const [south, west, north, east] = value as unknown as Box
  if (south < -90 || north > 90 || west < -180 || east > 180)
    throw new Refused('out_of_range', `bbox: got ${shown(value)}`)
  if (south >= north || west >= east)
    throw new Refused('invalid', `bbox: expected south below north, west below east, got ${shown(value)}`)
  return [south, west, north, east]
}

/** The viewport of a box, snapped outward to whole tiles. */
function watchedIn({ name }: City, precision: number, box: Box): Watched {
  const [southWest, northEast] = cornersOver(box, precision - TILE_CHARACTERS)
  if (countBetween(southWest, northEast) > MOST_TILES) {
    let fitting = precision - 1
    while (countBetween(...cornersOver(box, fitting - TILE_CHARACTERS)) > MOST_TILES) fitting -= 1
    throw new Refused(
      'too_large',
      `bbox: expected at most ${MOST_TILES} tiles at precision ${precision} (precision ${fitting} would fit)`,
    )
  }
  const subscription = `${name}/${precision}/${southWest}-${northEast}`
  return { subscription, city: name, precision, tiles: new Set(geohashesBetween(southWest, northEast)) }
}
