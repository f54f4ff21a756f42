/** What the fleet's layer keeps on the graphics card: programs, the cells of a picture, a target to sum them into. */

import { CELLS, DENSITY, GLOW } from './glow-shaders'
import { FLOATS_PER_CELL, type Picture } from './picture'

const BYTES_PER_FLOAT = 4

export interface Program {
  program: WebGLProgram
  /** The location of a uniform. */
  at: (name: string) => WebGLUniformLocation | null
}

/** @throws Error with the driver's message when a shader does not compile or link */
function compile(gl: WebGL2RenderingContext, source: { vertex: string; fragment: string }): Program {
  const program = gl.createProgram()
  for (const [type, text] of [[gl.VERTEX_SHADER, source.vertex], [gl.FRAGMENT_SHADER, source.fragment]] as const) {
    const shader = gl.createShader(type)
    if (!shader) throw new Error('WebGL: the context is lost')
    gl.shaderSource(shader, text)
    gl.compileShader(shader)
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`WebGL: ${gl.getShaderInfoLog(shader)}`)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`WebGL: ${gl.getProgramInfoLog(program)}`)
  const locations = new Map<string, WebGLUniformLocation | null>()
  const at = (name: string): WebGLUniformLocation | null => {
    if (!locations.has(name)) locations.set(name, gl.getUniformLocation(program, name))
    return locations.get(name) ?? null
  }
  return { program, at }
}

export interface DensityTarget {
  texture: WebGLTexture
  /** Clears the target, of this size in pixels, and draws into it until `end`. */
  begin: (width: number, height: number) => void
  end: () => void
  free: () => void
}

/** A texture of half floats, into which contributions can be summed beyond 1. */
function densityTarget(gl: WebGL2RenderingContext): DensityTarget {
  // Either makes half floats renderable; without both the sum is cut off at 1, which costs contrast only.
  const isFloat = gl.getExtension('EXT_color_buffer_float') ?? gl.getExtension('EXT_color_buffer_half_float')
  const texture = gl.createTexture()
  const framebuffer = gl.createFramebuffer()
  let size = [0, 0]
  return {
    texture,
    begin(width, height) {
      gl.bindTexture(gl.TEXTURE_2D, texture)
      if (size[0] !== width || size[1] !== height) {
        size = [width, height]
        if (isFloat) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, width, height, 0, gl.RGBA, gl.HALF_FLOAT, null)
        else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null)
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR)
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR)
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE)
      }
      gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
      gl.viewport(0, 0, width, height)
      gl.clearColor(0, 0, 0, 0)
      gl.clear(gl.COLOR_BUFFER_BIT)
    },
    end() {
      gl.bindFramebuffer(gl.FRAMEBUFFER, null)
      gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight)
    },
    free() {
      gl.deleteFramebuffer(framebuffer)
      gl.deleteTexture(texture)
    },
  }
}

export interface Resources {
  readonly density: Program
  readonly glow: Program
  readonly cells: Program
  readonly corners: WebGLBuffer
}

/** @throws Error with the driver's message when a shader does not compile or link */
export function makeResources(gl: WebGL2RenderingContext): Resources {
  const corners = gl.createBuffer()
  gl.bindBuffer(gl.ARRAY_BUFFER, corners)
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW)
  return { density: compile(gl, DENSITY), glow: compile(gl, GLOW), cells: compile(gl, CELLS), corners }
}

/** One picture on the graphics card: its cells, and the density that they sum up to. */
export class PictureBuffers {
  readonly target: DensityTarget
  private readonly gl: WebGL2RenderingContext
  private readonly instances: WebGLBuffer
  private readonly layout: WebGLVertexArrayObject
  private isStale = true

  constructor(gl: WebGL2RenderingContext, corners: WebGLBuffer) {
    this.gl = gl
    this.target = densityTarget(gl)
    this.instances = gl.createBuffer()
    this.layout = gl.createVertexArray()
    gl.bindVertexArray(this.layout)
    gl.bindBuffer(gl.ARRAY_BUFFER, corners)
    gl.enableVertexAttribArray(0)
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0)
    gl.bindBuffer(gl.ARRAY_BUFFER, this.instances)
    let offset = 0
    for (const [location, size] of [[1, 2], [2, 2], [3, 3]] as const) {
      gl.enableVertexAttribArray(location)
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, FLOATS_PER_CELL * BYTES_PER_FLOAT, offset)
      gl.vertexAttribDivisor(location, 1)
      offset += size * BYTES_PER_FLOAT
    }
    gl.bindVertexArray(null)
  }

  /** The picture has changed since it was uploaded. */
  invalidate(): void {
    this.isStale = true
  }

  upload(picture: Picture): void {
    if (!this.isStale) return
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.instances)
    this.gl.bufferData(this.gl.ARRAY_BUFFER, picture.instances, this.gl.DYNAMIC_DRAW)
    this.isStale = false
  }

  /** Draws a square for each of the first `count` cells, with the program in use. */
  drawInstances(count: number): void {
    this.gl.bindVertexArray(this.layout)
    this.gl.drawArraysInstanced(this.gl.TRIANGLE_STRIP, 0, 4, count)
    this.gl.bindVertexArray(null)
  }

  free(): void {
    this.target.free()
    this.gl.deleteBuffer(this.instances)
    this.gl.deleteVertexArray(this.layout)
  }
}
