/**
 * Reads single cells: outlines the one under the pointer, the finger or the keyboard's cursor, and tells its count.
 */

import { boxOf, geohashOf, sizeOf } from 'fleetglow-protocol'
import { mercator, pixelsPerWorld, visibleBox, type Camera, type Size } from './camera'
import { number, part } from './dom'

export interface CursorWorld {
  /** The precision of the cells that are shown; null while there are none. */
  precision(): number | null
  countOf(cell: string): number
  /** The least count, other than 0, that is told: a cell without one may hold fewer drivers. */
  least(): number
  camera(): Camera
  size(): Size
  lookAt(camera: Camera): void
}

/** What put the cursor where it is: the pointer only passes over, the others stay. */
type Means = 'pointer' | 'tap' | 'keys'

/** An outline smaller than this could not be seen. */
const LEAST_OUTLINE_PX = 8
/** Between the outline and its label, and between the label and the edge of the map. */
const GAP_PX = 8
const STEPS: Record<string, readonly [rows: number, columns: number]> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}

/** A cell and its drivers, for people. */
export function cellText(cell: string, count: number, least: number): string {
  const none = least === 1 ? 'no' : `fewer than ${number.format(least)}`
  return `${cell} · ${count === 0 ? none : number.format(count)} driver${count === 1 ? '' : 's'}`
}

export class Cursor {
  private at: { lat: number; lon: number } | null = null
  private means: Means = 'pointer'
  private readonly outline = document.createElement('div')
  private readonly label = document.createElement('div')
  private readonly world: CursorWorld

  /** `overlay` lies over the map and takes what is drawn; the keys are those of `map`. */
  constructor(map: HTMLElement, overlay: HTMLElement, world: CursorWorld) {
    this.world = world
    this.outline.className = 'cursor'
    this.label.className = 'cursor-label'
    // Its words are read out from a live region, when the keyboard put it there.
    this.label.ariaHidden = 'true'
    this.outline.hidden = this.label.hidden = true
    overlay.append(this.outline, this.label)
    // Before the map's own keys, which move it.
    map.addEventListener('keydown', (event) => this.press(event), { capture: true })
  }

  hover(at: { lat: number; lon: number } | null): void {
    if (this.means !== 'pointer' && this.at) return
    this.put(at, 'pointer')
  }

  /** A click or tap holds the cursor where it is, and lets it go when the same cell is picked again. */
  pick(at: { lat: number; lon: number }): void {
    const isSame = this.means === 'tap' && this.at !== null && this.cellAt(at) === this.cellAt(this.at)
    this.put(isSame ? null : at, 'tap')
  }

  clear(): void {
    this.put(null, 'pointer')
  }

  /** The map has moved, or the counts have changed. */
  refresh(): void {
    const cell = this.at && this.cellAt(this.at)
    const count = cell ? this.world.countOf(cell) : 0
    // Passing over empty cells tells nothing; whoever picks one wants to know that it is empty.
    const isShown = cell !== null && (count > 0 || this.means !== 'pointer')
    this.outline.hidden = this.label.hidden = !isShown
    Object.assign(document.body.dataset, { cell: isShown ? cell : '', cellCount: isShown ? count : '' })
    if (!isShown) return
    this.label.replaceChildren(...labelParts(cellText(cell, count, this.world.least())))
    this.place(cell)
  }

  private put(at: { lat: number; lon: number } | null, means: Means): void {
    this.at = at
    this.means = means
    this.refresh()
  }

  private cellAt({ lat, lon }: { lat: number; lon: number }): string | null {
    const precision = this.world.precision()
    if (precision === null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null
    return geohashOf(lat, lon, precision)
  }

  private place(cell: string): void {
    const [south, west, north, east] = boxOf(cell)
    const { width, height } = this.world.size()
    const { left, top } = this.toPixels(north, west)
    const { left: right, top: bottom } = this.toPixels(south, east)
    const [x0, x1] = atLeast(LEAST_OUTLINE_PX, left, right)
    const [y0, y1] = atLeast(LEAST_OUTLINE_PX, top, bottom)
    Object.assign(this.outline.style, {
      transform: `translate(${x0}px, ${y0}px)`,
      width: `${x1 - x0}px`,
      height: `${y1 - y0}px`,
    })
    const { offsetWidth, offsetHeight } = this.label
    const middle = (x0 + x1) / 2 - offsetWidth / 2
    const x = Math.max(GAP_PX, Math.min(width - offsetWidth - GAP_PX, middle))
    const above = y0 - offsetHeight - GAP_PX
    const y = above >= GAP_PX ? above : Math.min(height - offsetHeight - GAP_PX, y1 + GAP_PX)
    this.label.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`
  }

  private toPixels(lat: number, lon: number): { left: number; top: number } {
    const camera = this.world.camera()
    const { width, height } = this.world.size()
    const scale = pixelsPerWorld(camera.zoom)
    const [point, center] = [mercator(lat, lon), mercator(camera.lat, camera.lon)]
    return { left: (point.x - center.x) * scale + width / 2, top: (point.y - center.y) * scale + height / 2 }
  }

  private press(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLCanvasElement) || event.ctrlKey || event.metaKey || event.altKey) return
    const isReading = this.at !== null && this.means === 'keys'
    const step = isReading ? STEPS[event.key] : undefined
    if (step) this.step(step)
    else if (event.key === 'Enter') this.begin()
    else if (event.key === 'Escape' && this.at) this.clear()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  /** Begins to read in the middle of the map, or where the pointer left off. */
  private begin(): void {
    const { lat, lon } = this.world.camera()
    this.put(this.at ?? { lat, lon }, 'keys')
    this.announce()
  }

  private step([rows, columns]: readonly [number, number]): void {
    const precision = this.world.precision()
    if (!this.at || precision === null) return
    const size = sizeOf(precision)
    const lat = Math.min(85, Math.max(-85, this.at.lat + rows * size.lat))
    const lon = Math.min(180 - size.lon / 2, Math.max(-180 + size.lon / 2, this.at.lon + columns * size.lon))
    this.put({ lat, lon }, 'keys')
    this.follow()
    this.announce()
  }

  /** Moves the map when the cursor leaves it. */
  private follow(): void {
    if (!this.at) return
    const camera = this.world.camera()
    const [south, west, north, east] = visibleBox(camera, this.world.size())
    const { lat, lon } = this.at
    if (lat < south || lat > north || lon < west || lon > east) this.world.lookAt({ ...camera, lat, lon })
  }

  private announce(): void {
    const cell = this.at && this.cellAt(this.at)
    if (cell) part('cell-live').textContent = cellText(cell, this.world.countOf(cell), this.world.least())
  }
}

/** A stretch that is widened around its middle where it is shorter than it should be. */
function atLeast(least: number, from: number, to: number): [from: number, to: number] {
  const extra = Math.max(0, least - (to - from)) / 2
  return [from - extra, to + extra]
}

function labelParts(text: string): Node[] {
  const [name, drivers] = text.split(' · ') as [string, string]
  const code = Object.assign(document.createElement('code'), { textContent: name })
  return [code, document.createTextNode(' · '), Object.assign(document.createElement('b'), { textContent: drivers })]
}
