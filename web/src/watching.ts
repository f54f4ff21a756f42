/**
 * Keeps what is shown in step with where one looks: one viewport is shown, and the next is awaited before it leaves.
 */

import type { Box, HeatmapClient, HeatView, Refusal, Viewport, Watch } from 'fleetglow-protocol'
import { precisionFor } from './precision'
import { boxWithin, covers, tilesFor, tilesOver, type TileRange } from './tiles'

/** Where one looks, and what there is to be seen. */
export interface Looking {
  readonly city: string
  readonly cityBox: Box
  readonly visible: Box
  readonly zoom: number
  /** The least size of a cell in CSS pixels. */
  readonly leastPx: number
  readonly precisions: readonly number[]
}

/** Both are called with the viewport that is shown, which stays the old one until the new one has come. */
export interface WatchingEvents {
  onView: (view: HeatView, precision: number) => void
  onRefused: (refusal: Refusal) => void
}

interface Watched {
  readonly city: string
  readonly tiles: TileRange
  readonly watch: Watch
}

export class Watching {
  private shown: Watched | null = null
  private next: Watched | null = null
  private looking: Looking | null = null
  /** The finest precision that the server takes here: it refused a finer one. */
  private cap = Infinity
  private readonly client: Pick<HeatmapClient, 'watch'>
  private readonly events: WatchingEvents

  constructor(client: Pick<HeatmapClient, 'watch'>, events: WatchingEvents) {
    this.client = client
    this.events = events
  }

  /** Watches what is looked at, unless what is watched already covers it. */
  lookAt(looking: Looking): void {
    if (looking.city !== this.looking?.city || looking.zoom !== this.looking.zoom) this.cap = Infinity
    if (looking.city !== this.looking?.city) this.leave()
    this.looking = looking
    const wanted = this.wantedTiles(looking)
    if (this.shown && covers(this.shown.tiles, wanted)) return this.dropNext()
    if (this.next && covers(this.next.tiles, wanted)) return
    this.dropNext()
    this.next = this.open(looking.city, wanted)
    this.promote()
  }

  close(): void {
    this.leave()
  }

  private wantedTiles({ visible, cityBox, zoom, leastPx, precisions }: Looking): TileRange {
    const allowed = precisions.filter((precision) => precision <= this.cap)
    const lat = (visible[0] + visible[2]) / 2
    const precision = precisionFor(zoom, lat, allowed, this.shown?.tiles.precision ?? null, leastPx)
    // Past the city there are no drivers, but still their number in all of it.
    const seen = tilesFor(visible, cityBox, precision, allowed)
    return seen ?? this.shown?.tiles ?? tilesOver(cityBox, Math.min(...precisions))
  }

  private open(city: string, tiles: TileRange): Watched {
    const viewport: Viewport = { city, precision: tiles.precision, bbox: boxWithin(tiles) }
    const watch = this.client.watch(
      viewport,
      (view) => this.receive(watch, view),
      (refusal) => this.refused(watch, refusal),
    )
    return { city, tiles, watch }
  }

  private receive(watch: Watch, view: HeatView): void {
    if (watch === this.next?.watch) this.promote()
    else if (watch === this.shown?.watch) this.events.onView(view, this.shown.tiles.precision)
  }

  /** Lets the next viewport take the place of the one that is shown, once there is something to show of it. */
  private promote(): void {
    const { next } = this
    if (!next || next.watch.view.epoch === null) return
    this.shown?.watch.close()
    this.shown = next
    this.next = null
    this.events.onView(next.watch.view, next.tiles.precision)
  }

  private refused(watch: Watch, refusal: Refusal): void {
    const refused = watch === this.next?.watch ? this.next : watch === this.shown?.watch ? this.shown : null
    if (!refused) return
    if (refused === this.next) this.dropNext()
    else this.leave()
    if (refusal.code === 'too_large') return this.fallTo(precisionNamed(refusal.message) ?? refused.tiles.precision - 1)
    this.events.onRefused(refusal)
  }

  private fallTo(precision: number): void {
    this.cap = precision
    if (this.looking && this.looking.precisions.some((each) => each <= precision)) this.lookAt(this.looking)
  }

  private dropNext(): void {
    this.next?.watch.close()
    this.next = null
  }

  private leave(): void {
    this.dropNext()
    this.shown?.watch.close()
    this.shown = null
  }
}

/** The precision that the message of a `too_large` names: it ends with one that would fit. */
function precisionNamed(message: string): number | null {
  const named = /precision (\d+) would fit/.exec(message)?.[1]
  return named ? Number(named) : null
}
