import { HeatmapClient, type HeatView } from 'fleetglow-protocol'
import { FakeServer, ManualClock } from 'fleetglow-protocol/fake-server'
import { afterEach, expect, test } from 'vitest'
import { visibleBox } from '../src/camera'
import { Watching, type Looking } from '../src/watching'

const LAGOS = [6.35, 3.1, 6.75, 3.75] as const
const SIZE = { width: 1280, height: 800 }
const CELLS = { s14mk2xb: 3, s14kt2xb: 1 }

/** The page's part in it: someone who looks, a server, and what is shown. */
class Visit {
  readonly clock = new ManualClock()
  readonly server = new FakeServer()
  readonly shown: { view: HeatView; precision: number }[] = []
  readonly refusals: string[] = []
  readonly client = new HeatmapClient({
    url: 'wss://fleetglow.test/live',
    token: 'viewer',
    encoding: 'json',
    WebSocket: this.server.WebSocket,
    clock: this.clock,
    probe: this.server.probe,
  })
  readonly watching = new Watching(this.client, {
    onView: (view, precision) => this.shown.push({ view, precision }),
    onRefused: ({ code }) => this.refusals.push(code),
  })

  constructor() {
    this.server.city('lagos').set(CELLS)
    visits.add(this)
  }

  async look(zoom: number, lat = 6.5, lon = 3.4, more: Partial<Looking> = {}): Promise<void> {
    this.lookAtOnce(zoom, lat, lon, more)
    await this.settle()
  }

  lookAtOnce(zoom: number, lat = 6.5, lon = 3.4, more: Partial<Looking> = {}): void {
    const visible = visibleBox({ lat, lon, zoom }, SIZE)
    const there = { city: 'lagos', cityBox: LAGOS, leastPx: 5.3, precisions: [4, 5, 6, 7, 8] }
    this.watching.lookAt({ ...there, visible, zoom, ...more })
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await this.clock.advance(0)
      await this.client.settled()
    }
  }

  /** What the server was told, as `subscribe 6`. */
  get said(): string[] {
    return this.server.received.flatMap((message) => {
      if (message.action === 'subscribe') return [`subscribe ${message.precision}`]
      return message.action === 'unsubscribe' ? [`unsubscribe ${message.subscription.split('/')[1]}`] : []
    })
  }

  get last(): { view: HeatView; precision: number } {
    return this.shown.at(-1) as { view: HeatView; precision: number }
  }
}

const visits = new Set<Visit>()
afterEach(() => {
  for (const visit of visits) visit.client.close()
  visits.clear()
})

test('what is seen is subscribed to, at the precision that suits the zoom', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  expect(visit.said).toEqual(['subscribe 6'])
  expect(visit.last.precision).toBe(6)
  expect([...visit.last.view.cells].sort()).toEqual([['s14kt2', 1], ['s14mk2', 3]])
})

test('moving within what is watched asks for nothing', async () => {
  const visit = new Visit()
  await visit.look(13)
  await visit.look(13, 6.501, 3.401)
  await visit.look(13.2, 6.501, 3.401)
  expect(visit.said).toEqual(['subscribe 7'])
})

test('moving out of it watches the new viewport, and then leaves the old one', async () => {
  const visit = new Visit()
  await visit.look(13, 6.45, 3.35)
  await visit.look(13, 6.6, 3.6)
  expect(visit.said).toEqual(['subscribe 7', 'subscribe 7', 'unsubscribe 7'])
})

test('the old viewport stays until there is something to show of the new one', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  visit.server.isHeld = true
  await visit.look(13)
  expect(visit.said).toEqual(['subscribe 6', 'subscribe 7'])
  expect(visit.last.precision).toBe(6)
  visit.server.isHeld = false
  visit.server.deliver()
  await visit.settle()
  expect(visit.said).toEqual(['subscribe 6', 'subscribe 7', 'unsubscribe 6'])
  expect(visit.last.precision).toBe(7)
})

test('a viewport that was passed by on the way is never shown', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  visit.server.isHeld = true
  await visit.look(13)
  await visit.look(16.5)
  visit.server.isHeld = false
  visit.server.deliver()
  await visit.settle()
  expect(visit.shown.map(({ precision }) => precision)).not.toContain(7)
  expect(visit.last.precision).toBe(8)
})

test('changes are shown as they come', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  visit.server.city('lagos').set({ s14mk2xb: 9 })
  visit.server.tick()
  await visit.settle()
  expect(visit.last.view.cells.get('s14mk2')).toBe(9)
})

test('another city is another viewport, and nothing of the old one is shown after it', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  const before = visit.shown.length
  visit.lookAtOnce(10, 51.5, -0.1, { city: 'london', cityBox: [51.28, -0.51, 51.7, 0.33] })
  visit.server.city('lagos').set({ s14mk2xb: 9 })
  visit.server.tick()
  await visit.settle()
  expect(visit.shown.slice(before).every(({ view }) => view.subscription?.startsWith('london/'))).toBe(true)
  expect(visit.last.view.cells.size).toBe(0)
})

test('who looks past the city still learns how many drivers it has', async () => {
  const visit = new Visit()
  await visit.look(12, 40, 10)
  expect(visit.last.view.drivers).toBe(4)
})

test('a viewport that the server calls too large falls to the precision that it names', async () => {
  const visit = new Visit()
  const message = 'bbox: expected at most 10 tiles at precision 6 (precision 4 would fit), got 12'
  visit.server.failNext('subscribe', { code: 'too_large', message })
  await visit.look(10.4)
  expect(visit.said).toEqual(['subscribe 6', 'subscribe 4'])
  expect(visit.last.precision).toBe(4)
  await visit.look(10.4, 6.501, 3.401)
  expect(visit.said).toEqual(['subscribe 6', 'subscribe 4'])
})

test('a refusal that only the viewer can mend is told', async () => {
  const visit = new Visit()
  visit.server.failNext('subscribe', { code: 'unknown_city', message: 'city: expected one of london, got lagos' })
  await visit.look(10.4)
  expect(visit.refusals).toEqual(['unknown_city'])
})

test('a server that cannot answer now is asked again', async () => {
  const visit = new Visit()
  visit.server.failNext('subscribe', { code: 'unavailable', message: 'the live state did not answer' })
  await visit.look(10.4)
  await visit.clock.advance(10_000)
  await visit.settle()
  expect(visit.last.view.drivers).toBe(4)
  expect(visit.refusals).toEqual([])
})

test('after a lost connection what is seen is resumed', async () => {
  const visit = new Visit()
  await visit.look(10.4)
  visit.server.cut()
  visit.server.city('lagos').set({ s14mk2xb: 0, s14kt2xb: 7 })
  await visit.clock.advance(30_000)
  await visit.settle()
  expect([...visit.last.view.cells]).toEqual([['s14kt2', 7]])
})
