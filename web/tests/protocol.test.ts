import { expect, test } from 'vitest'
import { decode } from '../src/protocol'

const STAMP = {
  city: 'lagos', precision: 7, epoch: 'k3f', rev: 123, as_of: '2026-01-01T00:00:00.000Z', lag_ms: 40, drivers: 9876,
}
const SNAPSHOT = {
  type: 'snapshot', subscription: 'lagos/7/s14mh-s14mu', part: 1, parts: 1, ...STAMP, tiles: { s14mk: { '2x': 3 } },
}
const DELTA = { type: 'delta', ...STAMP, tiles: { s14mk: { '2x': 0 } }, prev: { s14mk: 122 } }

const coded = (message: unknown) => () => decode(JSON.stringify(message))

test.each([
  ['a snapshot', SNAPSHOT],
  ['a delta', DELTA],
  ['the answer to a resume', { ...SNAPSHOT, type: 'delta', resumed: true, prev: {} }],
  ['a heartbeat', { type: 'heartbeat', ...STAMP }],
  ['an ack', { type: 'ack', action: 'subscribe', subscription: 'lagos/7/s14mh-s14mu', epoch: 'k3f', rev: 1 }],
  ['an error', { type: 'error', code: 'bad_request', message: 'bbox: expected four numbers, got 3' }],
])('%s is read as it is', (_, message) => {
  expect(coded(message)()).toEqual(message)
})

test('a type that this page does not know is passed over', () => {
  expect(coded({ type: 'position', driver_id: 'd1' })()).toBeNull()
})

test.each([
  ['no JSON', () => decode('{'), 'message: expected JSON, got "{"'],
  ['a list', coded([]), 'message: expected an object, got []'],
  ['a negative count', coded({ ...DELTA, tiles: { s14mk: { '2x': -1 } } }), 'tiles.s14mk.2x: expected a whole number from 0, got -1'],
  ['a tile that is no geohash', coded({ ...DELTA, tiles: { sea: {} } }), 'tiles: expected geohashes, got "sea"'],
  ['a cell that is no geohash', coded({ ...DELTA, tiles: { s14mk: { '!': 1 } } }), 'tiles.s14mk: expected the ends of geohashes, got "!"'],
  ['a delta without prev', coded({ ...DELTA, prev: undefined }), 'prev: expected an object, got undefined'],
  ['a snapshot without part', coded({ ...SNAPSHOT, part: null }), 'part: expected a whole number from 0, got null'],
  ['a revision that is text', coded({ ...DELTA, rev: '123' }), 'rev: expected a whole number from 0, got "123"'],
  ['a subscription that is no name', coded({ ...SNAPSHOT, subscription: 'x' }), 'subscription: expected a name as lagos/7/s14hn-s14wm, got "x"'],
])('%s is refused with what was expected and what came', (_, decoding, message) => {
  expect(decoding).toThrow(message)
})
