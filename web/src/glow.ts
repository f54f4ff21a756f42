/** Draws the fleet on the map: as a light that is the density of drivers, or as exact cells. */

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from 'maplibre-gl'
import { pixelsPerWorld } from './camera'
import { GROUND } from './ground'
import { makeResources, PictureBuffers, type Program, type Resources } from './gl'
import { PALETTES, type PaletteName, type Rgb, type Scheme } from './palettes'
import { Picture } from './picture'
import { ticksOf, type Scale } from './scale'
import type { Look } from './settings'

const SECONDS_TO_MOVE = 0.9
/** Until the flash of a change can be seen no more. */
const SECONDS_TO_SETTLE = 1.4
/** One picture gives way to another, of another precision, within this time. */
const SECONDS_TO_FADE = 0.35
/** The density is smooth, so half of the resolution loses nothing and costs a quarter. */
const DENSITY_SHARE = 0.5
/** Of the glow, in widths of a cell: less would show the grid. */
const RADIUS_CELLS = 2
const LEAST_RADIUS_PX = 8
const MOST_RADIUS_PX = 160
/** Of the lines of equal density, against the light that they lie in. */
const LINE_STRENGTH = 0.3

/** How the fleet is to be drawn. */
export interface Drawing {
  readonly scheme: Scheme
  readonly palette: PaletteName
  readonly look: Look
  /** Shares, not per cent. */
  readonly opacity: number
  readonly radius: number
}

/** A picture that fades in, or out. */
interface Shown {
  readonly picture: Picture
  readonly since: number
  /** Of its colours. */
  scale: Scale
  buffers: PictureBuffers | null
}

export class GlowLayer implements CustomLayerInterface {
  readonly id = 'fleet'
  readonly type = 'custom' as const
  readonly renderingMode = '2d' as const
  private shown: Shown | null = null
  private leaving: Shown | null = null
  private drawing: Drawing
  /** From glow (0) to cells (1), and when it was asked for. */
  private look: { from: number; to: number; since: number }
  private busyUntil = 0
  private readonly born = performance.now()
  private readonly isCalm = window.matchMedia('(prefers-reduced-motion: reduce)').matches
  private map: MapLibre | undefined
  private gl: Resources | undefined

  constructor(drawing: Drawing) {
    this.drawing = drawing
    const look = lookValue(drawing)
    this.look = { from: look, to: look, since: -1 }
  }

  draw(drawing: Drawing): void {
    this.drawing = drawing
    const to = lookValue(drawing)
    if (to !== this.look.to) this.look = { from: this.lookNow(), to, since: this.now() }
    this.stayBusy(SECONDS_TO_FADE)
  }

  /** Shows cells in the colours of a scale. Another precision is another picture, which fades in. */
  show(counts: ReadonlyMap<string, number>, precision: number, scale: Scale): void {
    const now = this.now()
    if (this.shown?.picture.precision !== precision) {
      this.leaving?.buffers?.free()
      this.leaving = this.shown && { ...this.shown, since: now }
      // What fades in as a whole need not rise cell by cell.
      const picture = new Picture(precision, this.secondsToMove())
      this.shown = { picture, since: this.leaving ? now : -1, scale, buffers: null }
      picture.show(counts, this.leaving ? now - SECONDS_TO_MOVE : now)
    } else {
      this.shown.scale = scale
      this.shown.picture.show(counts, now)
      this.shown.buffers?.invalidate()
    }
    this.stayBusy(SECONDS_TO_SETTLE)
  }

  /** Forgets all cells at once, as for another city. */
  clear(): void {
    this.leaving?.buffers?.free()
    this.shown?.buffers?.free()
    this.shown = this.leaving = null
    this.map?.triggerRepaint()
  }

  onAdd(map: MapLibre, gl: WebGL2RenderingContext): void {
    this.map = map
    this.gl = makeResources(gl)
    // What another style had is not needed any more, and what a lost context had is gone with it.
    for (const each of [this.shown, this.leaving]) {
      each?.buffers?.free()
      if (each) each.buffers = null
    }
  }

  onRemove(): void {
    this.map = undefined
    this.gl = undefined
  }

  prerender(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!this.gl) return
    const now = this.now()
    if (this.leaving && now - this.leaving.since > SECONDS_TO_FADE) {
      this.leaving.buffers?.free()
      this.leaving = null
    }
    const width = Math.max(1, Math.round(gl.drawingBufferWidth * DENSITY_SHARE))
    const height = Math.max(1, Math.round(gl.drawingBufferHeight * DENSITY_SHARE))
    for (const each of [this.leaving, this.shown]) {
      if (!each) continue
      each.buffers ??= new PictureBuffers(gl, this.gl.corners)
      each.buffers.upload(each.picture)
      each.buffers.target.begin(width, height)
      const { density } = this.gl
      gl.useProgram(density.program)
      this.setInstanceUniforms(gl, density, each, input, DENSITY_SHARE)
      gl.uniform2f(density.at('viewport'), width, height)
      gl.uniform1f(density.at('radius'), this.radius(each.picture))
      gl.enable(gl.BLEND)
      gl.blendFunc(gl.ONE, gl.ONE)
      gl.disable(gl.DEPTH_TEST)
      gl.disable(gl.STENCIL_TEST)
      each.buffers.drawInstances(each.picture.count)
      each.buffers.target.end()
    }
  }

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!this.gl || !this.map) return
    gl.disable(gl.DEPTH_TEST)
    gl.disable(gl.STENCIL_TEST)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    const now = this.now()
    const fade = (since: number): number => (this.isCalm ? 1 : clamp((now - since) / SECONDS_TO_FADE))
    if (this.leaving) this.renderPicture(gl, this.gl, input, this.leaving, 1 - fade(this.leaving.since))
    if (this.shown) this.renderPicture(gl, this.gl, input, this.shown, fade(this.shown.since))
    if (now < this.busyUntil) this.map.triggerRepaint()
  }

  private renderPicture(
    gl: WebGL2RenderingContext,
    { glow, cells }: Resources,
    input: CustomRenderMethodInput,
    shown: Shown,
    strength: number,
  ): void {
    const { picture, scale, buffers } = shown
    if (!buffers || strength === 0) return
    const ground = GROUND[this.drawing.scheme]
    const look = this.lookNow()
    const opacity = this.drawing.opacity * strength

    gl.useProgram(glow.program)
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, buffers.target.texture)
    gl.uniform1i(glow.at('density'), 0)
    // Exact cells keep a little of the light, so that a lone one is found.
    gl.uniform1f(glow.at('opacity'), ground.glowOpacity * opacity * (1 - 0.75 * look))
    gl.uniform1f(glow.at('cover'), ground.glowCover)
    gl.uniform1f(glow.at('lines'), LINE_STRENGTH * (1 - look))
    gl.uniform1f(glow.at('intervals'), ticksOf(scale).length - 1)
    gl.uniform3f(glow.at('lineColor'), ...scaled(ground.flash))
    this.setRampUniforms(gl, glow, scale)
    gl.bindVertexArray(null)
    gl.drawArrays(gl.TRIANGLES, 0, 3)

    if (look === 0) return
    gl.useProgram(cells.program)
    this.setInstanceUniforms(gl, cells, shown, input, 1)
    this.setRampUniforms(gl, cells, scale)
    gl.uniform1f(cells.at('smallest'), 0.9 * pixelRatio())
    gl.uniform1f(cells.at('opacity'), 0.92 * opacity * look)
    gl.uniform3f(cells.at('flash'), ...scaled(ground.flash))
    buffers.drawInstances(picture.count)
  }

  private now(): number {
    return (performance.now() - this.born) / 1000
  }

  private lookNow(): number {
    const { from, to, since } = this.look
    const t = this.isCalm ? 1 : clamp((this.now() - since) / SECONDS_TO_FADE)
    return from + (to - from) * t
  }

  private secondsToMove(): number {
    return this.isCalm ? 0.001 : SECONDS_TO_MOVE
  }

  private stayBusy(seconds: number): void {
    this.busyUntil = Math.max(this.busyUntil, this.now() + seconds)
    this.map?.triggerRepaint()
  }

  /** Device pixels per unit of Mercator. */
  private scale(): number {
    return pixelsPerWorld(this.map?.getZoom() ?? 0) * pixelRatio()
  }

  /** Of the glow, in pixels of the density's target. */
  private radius(picture: Picture): number {
    const suits = 2 * picture.halfWidth * this.scale() * RADIUS_CELLS
    const ratio = pixelRatio()
    const radius = Math.min(MOST_RADIUS_PX * ratio, Math.max(LEAST_RADIUS_PX * ratio, suits))
    return radius * this.drawing.radius * DENSITY_SHARE
  }

  private setInstanceUniforms(
    gl: WebGL2RenderingContext,
    program: Program,
    { picture, scale }: Shown,
    input: CustomRenderMethodInput,
    share: number,
  ): void {
    gl.uniformMatrix4fv(program.at('matrix'), false, translated(input.defaultProjectionData.mainMatrix, picture.anchor))
    gl.uniform1f(program.at('scale'), this.scale() * share)
    gl.uniform1f(program.at('now'), this.now())
    gl.uniform1f(program.at('duration'), this.secondsToMove())
    gl.uniform1f(program.at('least'), scale.least)
  }

  private setRampUniforms(gl: WebGL2RenderingContext, program: Program, { least, top }: Scale): void {
    gl.uniform3fv(program.at('ramp'), PALETTES[this.drawing.palette][this.drawing.scheme].flatMap(scaled))
    gl.uniform1f(program.at('logTop'), Math.log(top / least))
  }
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share))

const lookValue = ({ look }: Drawing): number => (look === 'cells' ? 1 : 0)

const pixelRatio = (): number => window.devicePixelRatio || 1

const scaled = ([red, green, blue]: Rgb): [number, number, number] => [red / 255, green / 255, blue / 255]

/** The matrix for positions relative to a point: in double precision, before the graphics card rounds. */
function translated(matrix: ArrayLike<number>, { x, y }: { x: number; y: number }): Float32Array {
  const out = Float32Array.from(matrix)
  for (let row = 0; row < 4; row++) {
    out[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0)
  }
  return out
}
