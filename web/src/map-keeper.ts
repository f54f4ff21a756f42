/**
 * Keeps a map on the page: loads it after the first paint, remembers what it is to show until it can, and makes another
 * one when the graphics card does not give its memory back.
 */

import type { Camera } from './camera'
import type { City, TileSet } from './config'
import type { Drawing } from './glow'
import type { FleetMap, MapEvents, MapStart } from './map'

export interface KeeperEvents extends Pick<MapEvents, 'onMove' | 'onHover' | 'onPick'> {
  /** One line about what is wrong with the map; empty when nothing is. */
  onNotice(text: string): void
}

/** So long a browser may take to restore the graphics. */
const RESTORE_MS = 4_000

export class MapKeeper {
  private map: FleetMap | null = null
  private wanted: MapStart | null = null
  private cells: Parameters<FleetMap['show']> | null = null
  private restoring: ReturnType<typeof setTimeout> | undefined
  private readonly container: HTMLElement
  private readonly events: KeeperEvents

  constructor(container: HTMLElement, events: KeeperEvents) {
    this.container = container
    this.events = events
  }

  async open(start: MapStart): Promise<void> {
    this.wanted = start
    // Loading and building the map keep the page busy; what is already known should be seen before.
    await firstPaint()
    const { createMap } = await import('./map')
    try {
      this.map = await createMap(this.container, this.wanted, {
        ...this.events,
        onMove: (camera, atRest) => {
          if (this.wanted) this.wanted = { ...this.wanted, camera }
          this.events.onMove(camera, atRest)
        },
        onLost: () => this.lost(),
        onRestored: () => this.restored(),
        onProblem: (text) => this.events.onNotice(text),
      })
    } catch (error) {
      document.body.dataset['map'] = 'failed'
      console.warn(error)
      this.events.onNotice('The map needs WebGL 2, which this browser lacks. The numbers are live all the same.')
      return
    }
    // It may have been told something else while it was being made.
    this.map.draw(this.wanted.drawing, this.wanted.tiles)
    if (this.wanted.city !== start.city) this.map.showCity(this.wanted.city, this.wanted.camera)
    else if (this.wanted.camera !== start.camera) this.map.lookAt(this.wanted.camera)
    if (this.cells) this.map.show(...this.cells)
    document.body.dataset['map'] = 'ready'
  }

  show(...cells: NonNullable<typeof this.cells>): void {
    this.cells = cells
    this.map?.show(...cells)
  }

  draw(drawing: Drawing, tiles: TileSet | null): void {
    // Whatever was wrong with the tiles before is not wrong with these.
    if (this.wanted && tiles !== this.wanted.tiles) this.events.onNotice('')
    if (this.wanted) this.wanted = { ...this.wanted, drawing, tiles }
    this.map?.draw(drawing, tiles)
  }

  showCity(city: City, camera: Camera): void {
    if (this.wanted) this.wanted = { ...this.wanted, city, camera }
    this.cells = null
    this.map?.showCity(city, camera)
  }

  lookAt(camera: Camera): void {
    if (this.wanted) this.wanted = { ...this.wanted, camera }
    this.map?.lookAt(camera)
  }

  private lost(): void {
    document.body.dataset['map'] = 'lost'
    this.events.onNotice('The graphics were lost; the map is being restored.')
    clearTimeout(this.restoring)
    this.restoring = setTimeout(() => this.replace(), RESTORE_MS)
  }

  private restored(): void {
    clearTimeout(this.restoring)
    this.events.onNotice('')
    document.body.dataset['map'] = 'ready'
  }

  private replace(): void {
    if (!this.wanted) return
    this.map?.remove()
    this.map = null
    this.events.onNotice('')
    void this.open(this.wanted)
  }
}

/** So long a page waits for its first paint at most: one in the background is never painted. */
const PAINT_MS = 2_000

/** Resolves when something of the page has been seen: a frame that was only asked for may still wait behind the map. */
function firstPaint(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAINT_MS)
    new PerformanceObserver((entries) => {
      if (entries.getEntriesByName('first-contentful-paint').length > 0) resolve()
    }).observe({ type: 'paint', buffered: true })
  })
}
