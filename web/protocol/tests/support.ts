import { afterEach } from 'vitest'
import { FakeServer, ManualClock, type FakeServerOptions } from '../src/fake/index.js'
import {
  HeatmapClient,
  type ClientOptions,
  type HeatView,
  type Link,
  type Refusal,
  type Viewport,
  type Watch,
} from '../src/index.js'

/** Four tiles of Lagos at precision 7, one north of the other. */
export const BBOX = [6.51, 3.34, 6.66, 3.38] as const
export const LAGOS: Viewport = { city: 'lagos', precision: 7, bbox: BBOX }
export const SUBSCRIPTION = 'lagos/7/s14mh-s14mu'
export const TILES = ['s14mh', 's14mk', 's14ms', 's14mu'] as const

/** Snapped outward it is the same. */
export const NEARLY_THE_SAME = { ...LAGOS, bbox: [6.515, 3.345, 6.65, 3.375] } as const
export const ELSEWHERE = { ...LAGOS, bbox: [6.4, 3.2, 6.41, 3.21] } as const
/** After which a viewport has been silent for too long. */
export const SILENCE_MS = 22_500
const START = Date.parse('2026-01-31T12:00:00Z')

/** A client and a server that are still to meet. */
export class Bench {
  readonly clock = new ManualClock()
  readonly server: FakeServer
  readonly client: HeatmapClient
  readonly links: Link[] = []
  readonly problems: string[] = []
  readonly views: HeatView[] = []
  readonly refusals: Refusal[] = []

  constructor(options: Partial<ClientOptions> = {}, serverOptions: FakeServerOptions = {}) {
    this.server = new FakeServer({ now: () => START + this.clock.now(), ...serverOptions })
    this.client = new HeatmapClient({
      url: 'wss://fleetglow.test/live',
      token: 'viewer',
      encoding: 'json',
      WebSocket: this.server.WebSocket,
      clock: this.clock,
      random: () => 0.5,
      probe: this.server.probe,
      onLink: (link) => this.links.push(link),
      onProblem: ({ message }) => this.problems.push(message),
      ...options,
    })
    open.add(this)
  }

  watch(viewport: Viewport = LAGOS): Watch {
    const onView = (view: HeatView) => this.views.push(view)
    return this.client.watch(viewport, onView, (refusal) => this.refusals.push(refusal))
  }

  /** Watches, and waits until it shows something. */
  async watching(viewport: Viewport = LAGOS): Promise<Watch> {
    const watch = this.watch(viewport)
    await this.settle()
    return watch
  }

  /** Until nobody has anything more to say for now. */
  async settle(): Promise<void> {
    const said = () => this.client.traffic.messages + this.server.received.length + this.server.handshakes
    let before
    do {
      before = said()
      await this.clock.advance(0)
      await this.client.settled()
    } while (said() !== before)
  }

  async pass(ms: number): Promise<void> {
    await this.settle()
    await this.clock.advance(ms)
    await this.settle()
  }

  /** The subscribes that the server has got. */
  get subscribes() {
    return this.server.received.filter((message) => message.action === 'subscribe')
  }

  get unsubscribes() {
    return this.server.received.filter((message) => message.action === 'unsubscribe')
  }

  /** What the server would show in Lagos. */
  get truth(): [string, number][] {
    return [...this.server.city('lagos').counts(7)].sort()
  }
}

const open = new Set<Bench>()
afterEach(() => {
  for (const bench of open) bench.client.close()
  open.clear()
})

export const shown = ({ view }: { view: HeatView }): [string, number][] => [...view.cells].sort()

/** Numbers from 0 to 1 that only look random: the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // Mulberry32, by Tommy Ettinger: public domain.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => [random(), item] as const)
  return keyed.sort((a, b) => a[0] - b[0]).map(([, item]) => item)
}

/** A delta goes out, and gets lost. */
export async function lose(bench: Bench, counts: Record<string, number>): Promise<void> {
  const { network } = bench.server
  bench.server.city('lagos').set(counts)
  bench.server.network = () => []
  bench.server.tick()
  await bench.settle()
  bench.server.network = network
}

/** A delta of one viewport, as the server would send it. */
export function frameText(cells: object): string {
  return JSON.stringify({
    type: 'delta',
    subscription: SUBSCRIPTION,
    city: 'lagos',
    precision: 7,
    epoch: 'e1',
    prev: 101,
    rev: 102,
    as_of: '2026-01-31T12:00:00.000Z',
    lag_ms: 4,
    drivers: 3,
    ...cells,
  })
}
