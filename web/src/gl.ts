/** The little of WebGL that is the same for every picture: programs, and a target to sum into. */

export interface Program {
  program: WebGLProgram
  /** The location of a uniform. */
  at: (name: string) => WebGLUniformLocation | null
}

/** @throws Error with the driver's message when a shader does not compile or link */
export function compile(gl: WebGL2RenderingContext, source: { vertex: string; fragment: string }): Program {
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
}

/** A texture of half floats, into which contributions can be summed beyond 1. */
export function densityTarget(gl: WebGL2RenderingContext): DensityTarget {
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
  }
}
