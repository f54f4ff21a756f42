import { expect, test } from 'vitest'
import { checkedConfig } from '../src/config'
import { policyFor } from '../src/csp'

const CITY = { name: 'lagos', title: 'Lagos', bbox: [6.35, 3.1, 6.75, 3.75] }
const CONFIG = { websocket_url: 'wss://live.example.org/live', cities: [CITY], precisions: [5, 6, 7] }
const PAGE = 'https://map.example.org/fleet/index.html'
const STREETS = { name: 'streets', title: 'Streets', url: 'https://tiles.example.net/{z}/{x}/{y}.png' }

test('a configuration without tiles has none', () => {
  expect(checkedConfig(CONFIG)).toEqual({ ...CONFIG, tiles: [] })
})

test.each([
  [null, 'expected an object'],
  [{ ...CONFIG, websocket_url: 'https://live.example.org' }, 'websocket_url'],
  [{ ...CONFIG, cities: [] }, 'cities'],
  [{ ...CONFIG, cities: [{ ...CITY, bbox: [1, 2, 3] }] }, 'cities'],
  [{ ...CONFIG, precisions: ['7'] }, 'precisions'],
  [{ ...CONFIG, tiles: [{ name: 'streets', title: 'Streets' }] }, 'either url or style'],
  [{ ...CONFIG, tiles: [{ ...STREETS, style: 'https://tiles.example.net/style.json' }] }, 'either url or style'],
  [{ ...CONFIG, tiles: [{ ...STREETS, name: 'none' }] }, 'tiles'],
])('a configuration that cannot be used is refused, and the message says why (%#)', (value, reason) => {
  expect(() => checkedConfig(value)).toThrow(reason)
})

const directive = (policy: string, name: string): string[] =>
  (policy.split('; ').find((each) => each.startsWith(`${name} `)) ?? '').split(' ').slice(1)

test('the policy allows the live server, also for asking whether it is up, and nobody else', () => {
  const policy = policyFor(checkedConfig(CONFIG), PAGE)
  expect(directive(policy, 'connect-src')).toEqual(["'self'", 'wss://live.example.org', 'https://live.example.org'])
  expect(directive(policy, 'img-src')).toEqual(["'self'", 'data:', 'blob:'])
  expect(directive(policy, 'default-src')).toEqual(["'self'"])
})

test('the policy allows the hosts of configured tiles, once each', () => {
  const style = 'https://styles.example.net/day.json'
  const vector = { name: 'vector', title: 'Vector', style, hosts: ['https://glyphs.example.net/a/b'] }
  const night = { ...STREETS, dark_url: 'https://dark.example.net/{z}/{x}/{y}.png' }
  const policy = policyFor(checkedConfig({ ...CONFIG, tiles: [night, vector] }), PAGE)
  const hosts = ['tiles', 'dark', 'styles', 'glyphs'].map((name) => `https://${name}.example.net`)
  expect(directive(policy, 'img-src')).toEqual(["'self'", 'data:', 'blob:', ...hosts])
  expect(directive(policy, 'connect-src').slice(3)).toEqual(hosts)
})

test('tiles that lie beside the page need no host of their own', () => {
  const own = { ...STREETS, url: './tiles/{z}/{x}/{y}.png' }
  const policy = policyFor(checkedConfig({ ...CONFIG, tiles: [own] }), PAGE)
  expect(directive(policy, 'img-src')).toEqual(["'self'", 'data:', 'blob:'])
})
