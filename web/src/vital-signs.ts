/** Watches over the feed: each second, and whenever something happens, it tells how it goes. */

import type { HeatmapClient, HeatView } from 'fleetglow-protocol'
import { healthOf, isStale, type Signs } from './health'
import type { Vitals } from './panel'
import { LastMinute } from './rate'

export class VitalSigns {
  private view: HeatView | null = null
  private offlineSince: number | null = null
  private readonly lastMinute = new LastMinute()
  private readonly client: HeatmapClient
  private readonly tell: (vitals: Vitals) => void

  constructor(client: HeatmapClient, tell: (vitals: Vitals) => void) {
    this.client = client
    this.tell = tell
    if (!navigator.onLine) this.offlineSince = performance.now()
    window.addEventListener('offline', () => {
      this.offlineSince = performance.now()
      this.look()
    })
    window.addEventListener('online', () => {
      this.offlineSince = null
      this.client.retry()
      this.look()
    })
    setInterval(() => this.look(), 1000)
  }

  heard(view: HeatView): void {
    this.view = view
    this.look()
  }

  look(): void {
    const now = performance.now()
    const { receivedAt = null, heartbeatMs = 0, minCellDrivers = 1 } = this.view ?? {}
    const { link, retryAt, traffic } = this.client
    const signs: Signs = { link, offlineSince: this.offlineSince, receivedAt, heartbeatMs, now }
    this.tell({
      health: healthOf(signs),
      isStale: isStale(signs),
      ageMs: receivedAt === null ? null : now - receivedAt,
      // Those who are shown published counts are told 0, whatever it is.
      lagMs: minCellDrivers === 1 ? (this.view?.lagMs ?? null) : null,
      retryInMs: retryAt === null ? null : retryAt - now,
      bytesPerMinute: this.lastMinute.add(now, traffic.bytes),
    })
  }
}
