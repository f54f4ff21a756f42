import { expect, test } from 'vitest'
import { PALETTE_NAMES, PALETTES, type Ramp, type Rgb, type Scheme } from '../src/palettes'
import { GROUND } from '../src/ground'

type Vector = readonly [number, number, number]
type Matrix = readonly [Vector, Vector, Vector]

/**
 * What people without one kind of cone see, on linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based
 * Model for Simulation of Color Vision Deficiency" (2009), at severity 1.
 */
const VISIONS: Record<string, Matrix> = {
  'full colour vision': [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}

const linear = (value: number): number => {
  const share = value / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

/** Relative luminance from 0 to 1 (WCAG 2), as a kind of vision has it. */
function luminance(color: Rgb, vision: Matrix = VISIONS['full colour vision'] as Matrix): number {
  const rgb: Vector = [linear(color[0]), linear(color[1]), linear(color[2])]
  const seen = vision.map((row) => Math.min(1, Math.max(0, dot(row, rgb)))) as unknown as Vector
  return dot([0.2126, 0.7152, 0.0722], seen)
}

/** CIE L*, from 0 to 100: equal steps look equal. */
const lightness = (y: number): number => (y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (y * 24389) / 27)

const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)

function colorAt(ramp: Ramp, at: number): Rgb {
  const place = at * (ramp.length - 1)
  const index = Math.min(ramp.length - 2, Math.floor(place))
  const [from, to] = [ramp[index] as Rgb, ramp[index + 1] as Rgb]
  const mix = (channel: 0 | 1 | 2): number => from[channel] + (to[channel] - from[channel]) * (place - index)
  return [mix(0), mix(1), mix(2)]
}

const hex = (text: string): Rgb => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)) as unknown as Rgb

const SCHEMES: Scheme[] = ['dark', 'light']
const cases = PALETTE_NAMES.flatMap((name) =>
  SCHEMES.flatMap((scheme) => Object.keys(VISIONS).map((vision) => [name, scheme, vision] as const)),
)

test.each(cases)('%s, %s: more drivers are always further from the ground, for %s', (name, scheme, vision) => {
  const steps = Array.from({ length: 65 }, (_, i) => colorAt(PALETTES[name][scheme], i / 64))
  const levels = steps.map((color) => lightness(luminance(color, VISIONS[vision])) * (scheme === 'dark' ? 1 : -1))
  for (let i = 1; i < levels.length; i++) expect(levels[i]).toBeGreaterThan(levels[i - 1] as number)
})

test.each(cases)('%s, %s: two labelled counts differ by at least 8 in lightness, for %s', (name, scheme, vision) => {
  const levels = PALETTES[name][scheme].map((color) => lightness(luminance(color, VISIONS[vision])))
  for (let i = 1; i < levels.length; i++) {
    expect(Math.abs((levels[i] as number) - (levels[i - 1] as number))).toBeGreaterThan(8)
  }
})

test.each(cases)('%s, %s: a lone driver stands out, a crowd far more, for %s', (name, scheme, vision) => {
  const ramp = PALETTES[name][scheme]
  for (const ground of [GROUND[scheme].land, GROUND[scheme].sea]) {
    const behind = luminance(hex(ground), VISIONS[vision])
    expect(contrast(luminance(ramp[0], VISIONS[vision]), behind)).toBeGreaterThan(1.4)
    expect(contrast(luminance(ramp[4], VISIONS[vision]), behind)).toBeGreaterThan(4.5)
  }
})
