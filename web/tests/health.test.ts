import { expect, test } from 'vitest'
import { agoText, durationText, healthOf, isStale, type Signs } from '../src/health'

const LIVE: Signs = { link: 'connected', offlineSince: null, receivedAt: 100_000, heartbeatMs: 15_000, now: 101_000 }

test('a feed that was heard of within one and a half heartbeats is live', () => {
  expect(healthOf(LIVE)).toBe('live')
  expect(healthOf({ ...LIVE, now: 122_500 })).toBe('live')
})

test('a feed that was silent for longer is stale', () => {
  expect(healthOf({ ...LIVE, now: 122_501 })).toBe('stale')
  expect(healthOf({ ...LIVE, heartbeatMs: 2_000, now: 103_001 })).toBe('stale')
})

test('what is shown grows stale whatever the link does', () => {
  expect(isStale({ ...LIVE, link: 'reconnecting', now: 130_000 })).toBe(true)
  expect(healthOf({ ...LIVE, link: 'reconnecting', now: 130_000 })).toBe('reconnecting')
})

test('before the first frame nothing is stale', () => {
  expect(healthOf({ ...LIVE, receivedAt: null })).toBe('connecting')
  expect(isStale({ ...LIVE, receivedAt: null })).toBe(false)
})

test('a browser without a network is offline', () => {
  expect(healthOf({ ...LIVE, offlineSince: 100_500 })).toBe('offline')
  expect(healthOf({ ...LIVE, link: 'reconnecting', offlineSince: 100_500 })).toBe('offline')
})

test('a browser that calls itself offline but hears the server is not', () => {
  expect(healthOf({ ...LIVE, offlineSince: 99_000 })).toBe('live')
})

test('a refused token is told before all else', () => {
  expect(healthOf({ ...LIVE, link: 'refused', offlineSince: 100_500 })).toBe('refused')
})

test.each([
  [0, 'just now'],
  [999, 'just now'],
  [1_000, '1 s ago'],
  [119_999, '119 s ago'],
  [120_000, '2 min ago'],
  [7_200_000, '2 h ago'],
])('%i ms ago is told as "%s"', (ms, text) => {
  expect(agoText(ms)).toBe(text)
})

test.each([
  [-5, '0 ms'],
  [41.4, '41 ms'],
  [1_240, '1.2 s'],
  [12_400, '12 s'],
  [600_000, '10 min'],
])('%d ms are told as "%s"', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
