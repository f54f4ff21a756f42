import { expect, test } from 'vitest'
import { decode } from '../src/protocol.js'

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
const SNAPSHOT = { type: 'snapshot', ...MOMENT, tiles: { s14mk: { '2x': 3 } } }
const DELTA = { type: 'delta', ...MOMENT, prev: 122, tiles: { s14mk: { '2x': 0 } } }
const ACK = {
  type: 'ack',
  action: 'subscribe',
  id: '1',
  subscription: 'lagos/7/s14mh-s14mu',
  epoch: '9c1f02ab',
  rev: 1,
  heartbeat_seconds: 15,
  min_cell_drivers: 3,
}
const HELLO = {
  type: 'ack',
  action: 'hello',
  id: '1',
  connection_id: 'L0SM9cOFvHcCIhw=',
  precisions: [4, 5, 6, 7, 8],
  cities: [{ name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [6.35, 3.1, 6.75, 3.75] }],
}

const coded = (message: unknown) => () => decode(JSON.stringify(message))

test.each([
  ['a snapshot', SNAPSHOT],
  ['a snapshot of nothing', { ...SNAPSHOT, tiles: {} }],
  ['a part of a snapshot', { ...SNAPSHOT, part: 2, parts: 3 }],
  ['a delta', DELTA],
  ['a packed delta', { type: 'delta', ...MOMENT, prev: 122, packed: 'AwA=' }],
  ['a delta of clocks that differ', { ...DELTA, lag_ms: -3 }],
  ['a heartbeat', { type: 'heartbeat', ...MOMENT, prev: 122 }],
  ['the ack of a subscribe', ACK],
  ['the ack of an unsubscribe', { type: 'ack', action: 'unsubscribe', subscription: 'lagos/7/s14mh-s14mu' }],
  ['the ack of a hello', HELLO],
  ['an error', { type: 'error', action: '$default', code: 'unknown_action', message: 'action: expected one of …' }],
])('%s is read as it is', (_, message) => {
  expect(coded(message)()).toEqual(message)
})

test.each([
  ['a type', { type: 'position', driver_id: 'd1' }],
  ['the ack of an action', { type: 'ack', action: 'pings', accepted: 1, rejected: [] }],
])('%s that this client does not know is passed over', (_, message) => {
  expect(coded(message)()).toBeNull()
})

test('what API Gateway itself says is told apart', () => {
  const message = { message: 'Internal server error', connectionId: 'c1', requestId: 'r1' }
  expect(coded(message)()).toEqual({ type: 'gateway', message: 'Internal server error' })
})

test.each([
  ['no JSON', () => decode('{'), 'message: expected JSON, got "{"'],
  ['a list', coded([]), 'message: expected an object, got []'],
  [
    'a negative count',
    coded({ ...DELTA, tiles: { s14mk: { '2x': -1 } } }),
    'tiles.s14mk.2x: expected a whole number from 0, got -1',
  ],
  [
    'half a driver',
    coded({ ...DELTA, tiles: { s14mk: { '2x': 0.5 } } }),
    'tiles.s14mk.2x: expected a whole number from 0, got 0.5',
  ],
  [
    'a tile that is no geohash',
    coded({ ...DELTA, tiles: { shark: {} } }),
    'tiles: expected geohashes of 5 characters, got "shark"',
  ],
  [
    'a tile of another precision',
    coded({ ...DELTA, tiles: { s14m: {} } }),
    'tiles: expected geohashes of 5 characters, got "s14m"',
  ],
  [
    'a cell that is no geohash',
    coded({ ...DELTA, tiles: { s14mk: { '!!': 1 } } }),
    'tiles.s14mk: expected the last 2 characters of geohashes, got "!!"',
  ],
  ['a tile that is a list', coded({ ...DELTA, tiles: { s14mk: [] } }), 'tiles.s14mk: expected an object, got []'],
  ['a frame without cells', coded({ ...DELTA, tiles: undefined }), 'tiles: expected an object, got undefined'],
  ['packed tiles that are no text', coded({ ...DELTA, packed: 1 }), 'packed: expected text, got 1'],
  ['a delta without prev', coded({ ...DELTA, prev: undefined }), 'prev: expected a whole number from 0, got undefined'],
  [
    'a heartbeat without prev',
    coded({ type: 'heartbeat', ...MOMENT }),
    'prev: expected a whole number from 0, got undefined',
  ],
  ['a part without parts', coded({ ...SNAPSHOT, part: 1 }), 'parts: expected 1 to 1024, got undefined'],
  ['a part beyond the last', coded({ ...SNAPSHOT, part: 3, parts: 2 }), 'part: expected 1 to 2, got 3'],
  [
    'more parts than there are tiles',
    coded({ ...SNAPSHOT, part: 1, parts: 1e9 }),
    'parts: expected 1 to 1024, got 1000000000',
  ],
  ['a revision that is text', coded({ ...DELTA, rev: '123' }), 'rev: expected a whole number from 0, got "123"'],
  ['a lag that is none', coded({ ...DELTA, lag_ms: null }), 'lag_ms: expected milliseconds, got null'],
  [
    'a subscription that is no name',
    coded({ ...SNAPSHOT, subscription: 'x' }),
    'subscription: expected a name as lagos/7/s14hn-s14wm, got "x"',
  ],
  [
    'a subscription elsewhere',
    coded({ ...SNAPSHOT, city: 'london' }),
    'subscription: expected one in london/7/, got "lagos/7/s14mh-s14mu"',
  ],
  ['an ack without a heartbeat', coded({ ...ACK, heartbeat_seconds: 0 }), 'heartbeat_seconds: expected seconds, got 0'],
  [
    'an ack that shows counts from 0',
    coded({ ...ACK, min_cell_drivers: 0 }),
    'min_cell_drivers: expected a whole number from 1, got 0',
  ],
  ['an id that is a number', coded({ ...ACK, id: 1 }), 'id: expected text, got 1'],
  [
    'a city without a box',
    coded({ ...HELLO, cities: [{ name: 'x', title: 'X', time_zone: 'UTC' }] }),
    'bbox: expected four numbers, got undefined',
  ],
  [
    'an error without a code',
    coded({ type: 'error', action: 'hello', message: 'no' }),
    'code: expected text, got undefined',
  ],
  ['an object that says nothing', coded({}), 'message: expected text, got undefined'],
])('%s is refused with what was expected and what came', (_, decoding, message) => {
  expect(decoding).toThrow(message)
})
