/** Draws the cells: exact squares in a glow of the density around them, each moving smoothly to its new count. */

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from 'maplibre-gl'
import { boxOf } from './geohash'
import { CELLS, DENSITY, GLOW } from './glow-shaders'
import { compile, densityTarget, type DensityTarget, type Program } from './gl'
import type { Theme } from './theme'

const SECONDS_TO_MOVE = 0.9
/** The density is smooth, so half of the resolution loses nothing and costs a quarter. */
const DENSITY_SHARE = 0.5
const FLOATS_PER_CELL = 7
const BYTES = 4

interface Cell {
  x: number
  y: number
  halfWidth: number
  halfHeight: number
  from: number
  to: number
  /** Second of the change, on the layer's clock. */
  since: number
}

export class GlowLayer implements CustomLayerInterface {
  readonly id = 'fleet'
  readonly type = 'custom' as const
  readonly renderingMode = '2d' as const
  private readonly cells = new Map<string, Cell>()
  private anchor = { x: 0.5, y: 0.5 }
  private instances = new Float32Array(0)
  private isStale = false
  private movesUntil = 0
  private readonly born = performance.now()
  private readonly duration = window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0.001 : SECONDS_TO_MOVE
  private map: MapLibre | undefined
  private gl: Resources | undefined
  private theme: Theme
  private levels: number

  constructor(theme: Theme, levels: number) {
    this.theme = theme
    this.levels = levels
  }

  setTheme(theme: Theme): void {
    this.theme = theme
    this.map?.triggerRepaint()
  }

  /** Shows these cells, and the colours of a scale with so many levels. */
  setCells(cells: Iterable<readonly [cell: string, count: number]>, levels: number): void {
    const now = this.now()
    this.levels = levels
    const gone = new Set(this.cells.keys())
    for (const [name, count] of cells) {
      gone.delete(name)
      const cell = this.cells.get(name)
      if (!cell) this.cells.set(name, { ...placed(name), from: 0, to: count, since: now })
      else if (cell.to !== count) this.move(cell, count, now)
    }
    for (const name of gone) {
      const cell = this.cells.get(name)
      if (!cell) continue
      if (cell.to > 0) this.move(cell, 0, now)
      else if (now - cell.since > this.duration) this.cells.delete(name)
    }
    this.movesUntil = now + this.duration * 2
    this.fillInstances()
    this.map?.triggerRepaint()
  }

  /** Forgets all cells at once, as for another city. */
  clear(): void {
    this.cells.clear()
    this.fillInstances()
    this.map?.triggerRepaint()
  }

  onAdd(map: MapLibre, gl: WebGL2RenderingContext): void {
    this.map = map
    this.gl = makeResources(gl)
    this.isStale = true
  }

  onRemove(): void {
    this.map = undefined
    this.gl = undefined
  }

  prerender(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!this.gl) return
    const { density, layout, target } = this.gl
    if (this.isStale) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.gl.instances)
      gl.bufferData(gl.ARRAY_BUFFER, this.instances, gl.DYNAMIC_DRAW)
      this.isStale = false
    }
    const width = Math.max(1, Math.round(gl.drawingBufferWidth * DENSITY_SHARE))
    const height = Math.max(1, Math.round(gl.drawingBufferHeight * DENSITY_SHARE))
    target.begin(width, height)
    const half = this.halfCell() * DENSITY_SHARE
    const ratio = (window.devicePixelRatio || 1) * DENSITY_SHARE
    const radius = Math.min(90 * ratio, Math.max(13 * ratio, half * 3.2))
    gl.useProgram(density.program)
    this.setInstanceUniforms(gl, density, input, width, height)
    gl.uniform1f(density.at('radius'), radius)
    // The kernel's sum over an area with one driver in every cell is one, at every zoom.
    gl.uniform1f(density.at('gain'), (4 * half * half * 4.5) / (Math.PI * radius * radius))
    gl.bindVertexArray(layout)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE)
    gl.disable(gl.DEPTH_TEST)
    gl.disable(gl.STENCIL_TEST)
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count())
    gl.bindVertexArray(null)
    target.end()
  }

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!this.gl || !this.map) return
    const { glow, cells, layout, target } = this.gl
    const half = this.halfCell() / (window.devicePixelRatio || 1)
    // Seen from far the light tells the story, from near the exact cells do.
    const nearness = Math.min(1, Math.max(0, (half - 1) / 14))
    gl.disable(gl.DEPTH_TEST)
    gl.disable(gl.STENCIL_TEST)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)

    gl.useProgram(glow.program)
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, target.texture)
    gl.uniform1i(glow.at('density'), 0)
    gl.uniform1f(glow.at('opacity'), this.theme.glowOpacity * (1 - 0.5 * nearness))
    gl.uniform1f(glow.at('cover'), this.theme.glowCover)
    this.setRampUniforms(gl, glow)
    gl.bindVertexArray(null)
    gl.drawArrays(gl.TRIANGLES, 0, 3)

    gl.useProgram(cells.program)
    this.setInstanceUniforms(gl, cells, input, gl.drawingBufferWidth, gl.drawingBufferHeight)
    this.setRampUniforms(gl, cells)
    gl.uniform1f(cells.at('scale'), this.pixelsPerUnit())
    gl.uniform1f(cells.at('smallest'), 0.9 * (window.devicePixelRatio || 1))
    gl.uniform1f(cells.at('opacity'), 0.92)
    gl.uniform3f(cells.at('flash'), ...scaled(this.theme.flash))
    gl.bindVertexArray(layout)
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count())
    gl.bindVertexArray(null)
    if (this.now() < this.movesUntil) this.map.triggerRepaint()
  }

  private move(cell: Cell, count: number, now: number): void {
    const t = Math.min(1, Math.max(0, (now - cell.since) / this.duration))
    cell.from += (cell.to - cell.from) * t * t * (3 - 2 * t)
    cell.to = count
    cell.since = now
  }

  private now(): number {
    return (performance.now() - this.born) / 1000
  }

  private count(): number {
    return this.instances.length / FLOATS_PER_CELL
  }

  private pixelsPerUnit(): number {
    return 512 * 2 ** (this.map?.getZoom() ?? 0) * (window.devicePixelRatio || 1)
  }

  /** Half of a cell's width in device pixels; all cells shown are about the same. */
  private halfCell(): number {
    const [cell] = this.cells.values()
    return cell ? cell.halfWidth * this.pixelsPerUnit() : 1
  }

  private fillInstances(): void {
    const [first] = this.cells.values()
    // Single precision is too coarse for streets unless counted from somewhere near.
    if (first) this.anchor = { x: first.x, y: first.y }
    const instances = new Float32Array(this.cells.size * FLOATS_PER_CELL)
    let offset = 0
    for (const { x, y, halfWidth, halfHeight, from, to, since } of this.cells.values()) {
      instances.set([x - this.anchor.x, y - this.anchor.y, halfWidth, halfHeight, from, to, since], offset)
      offset += FLOATS_PER_CELL
    }
    this.instances = instances
    this.isStale = true
  }

  private setInstanceUniforms(
    gl: WebGL2RenderingContext,
    program: Program,
    input: CustomRenderMethodInput,
    width: number,
    height: number,
  ): void {
    gl.uniformMatrix4fv(program.at('matrix'), false, translated(input.defaultProjectionData.mainMatrix, this.anchor))
    gl.uniform2f(program.at('viewport'), width, height)
    gl.uniform1f(program.at('now'), this.now())
    gl.uniform1f(program.at('duration'), this.duration)
  }

  private setRampUniforms(gl: WebGL2RenderingContext, program: Program): void {
    gl.uniform3fv(program.at('ramp'), this.theme.ramp.flatMap(scaled))
    gl.uniform1f(program.at('levels'), this.levels)
  }
}

interface Resources {
  density: Program
  glow: Program
  cells: Program
  instances: WebGLBuffer
  layout: WebGLVertexArrayObject
  target: DensityTarget
}

function makeResources(gl: WebGL2RenderingContext): Resources {
  const layout = gl.createVertexArray()
  const corners = gl.createBuffer()
  const instances = gl.createBuffer()
  gl.bindVertexArray(layout)
  gl.bindBuffer(gl.ARRAY_BUFFER, corners)
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW)
  gl.enableVertexAttribArray(0)
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0)
  gl.bindBuffer(gl.ARRAY_BUFFER, instances)
  let offset = 0
  for (const [location, size] of [[1, 2], [2, 2], [3, 3]] as const) {
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, FLOATS_PER_CELL * BYTES, offset)
    gl.vertexAttribDivisor(location, 1)
    offset += size * BYTES
  }
  gl.bindVertexArray(null)
  return {
    density: compile(gl, DENSITY),
    glow: compile(gl, GLOW),
    cells: compile(gl, CELLS),
    instances,
    layout,
    target: densityTarget(gl),
  }
}

const scaled = ([red, green, blue]: readonly [number, number, number]): [number, number, number] => [red / 255, green / 255, blue / 255]

const mercatorY = (lat: number): number => 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)

function placed(name: string): Pick<Cell, 'x' | 'y' | 'halfWidth' | 'halfHeight'> {
  const [south, west, north, east] = boxOf(name)
  const top = mercatorY(north)
  const bottom = mercatorY(south)
  return { x: ((west + east) / 2 + 180) / 360, y: (top + bottom) / 2, halfWidth: (east - west) / 720, halfHeight: (bottom - top) / 2 }
}

/** The matrix for positions relative to a point: in double precision, before the graphics card rounds. */
function translated(matrix: ArrayLike<number>, { x, y }: { x: number; y: number }): Float32Array {
  const out = Float32Array.from(matrix)
  for (let row = 0; row < 4; row++) {
    out[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0)
  }
  return out
}
