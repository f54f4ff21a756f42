import { FakeServer } from 'fleetglow-protocol/fake-server'
import { afterEach, expect, test, vi } from 'vitest'
import readme from '../README.md?raw'
import example from './example.ts?raw'
import exampleOfATest from './example-of-a-test.ts?raw'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test.each([example, exampleOfATest])('the examples of the README are those that are tested here', (code) => {
  expect(readme).toContain(`\`\`\`ts\n${code}\`\`\``)
})

test('the example of the README watches', async () => {
  const server = new FakeServer({ now: () => Date.parse('2026-01-31T12:00:00Z') })
  server.city('lagos').set({ s14mk2x: 3, s1000000: 4 })
  const said: unknown[][] = []
  vi.stubGlobal('WebSocket', server.WebSocket)
  vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words))
  await import('./example.js')
  await vi.waitFor(() => expect(said).toHaveLength(5))
  expect(said).toEqual([
    ['connecting'],
    ['connected'],
    ['Lagos, London'],
    ['2026-01-31T12:00:00.000Z: 7 drivers in Lagos, 1 cells of it in view'],
    [[6.55059814453125, 3.360443115234375, 6.551971435546875, 3.36181640625], 3],
  ])
})

test('the example of a test sees what was lost come back', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./example-of-a-test.js')
  expect(log.mock.calls).toEqual([[3], [4]])
})
