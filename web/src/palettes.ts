/**
 * The colours of counts. A ramp goes from a lone driver to the busiest cell, away from the ground: brighter in the
 * dark, darker on paper. Lightness alone tells the order, so that it can be read without telling hues apart; the tests
 * measure it.
 */

export type Rgb = readonly [red: number, green: number, blue: number]
export type Ramp = readonly [Rgb, Rgb, Rgb, Rgb, Rgb]
export type Scheme = 'dark' | 'light'

export interface Palette {
  readonly title: string
  readonly dark: Ramp
  readonly light: Ramp
}

/** After matplotlib's magma, viridis and cividis, without the ends that would be lost in the ground. */
export const PALETTES = {
  ember: {
    title: 'Ember',
    dark: [[70, 34, 138], [146, 52, 152], [235, 82, 92], [253, 160, 68], [255, 243, 190]],
    light: [[238, 166, 72], [226, 112, 58], [198, 56, 78], [138, 24, 98], [62, 12, 84]],
  },
  viridis: {
    title: 'Viridis',
    dark: [[72, 60, 140], [44, 113, 142], [32, 163, 134], [117, 208, 84], [253, 231, 37]],
    light: [[132, 190, 62], [48, 160, 118], [34, 122, 142], [58, 76, 138], [62, 8, 78]],
  },
  cividis: {
    title: 'Cividis',
    dark: [[50, 78, 122], [96, 103, 118], [140, 134, 120], [196, 180, 96], [255, 234, 70]],
    light: [[206, 186, 92], [164, 152, 116], [120, 118, 118], [70, 86, 112], [0, 30, 78]],
  },
  mono: {
    title: 'Mono',
    dark: [[64, 82, 112], [102, 124, 158], [146, 168, 200], [196, 212, 234], [255, 255, 255]],
    light: [[160, 174, 194], [122, 138, 164], [84, 100, 128], [50, 62, 88], [14, 20, 36]],
  },
} as const satisfies Record<string, Palette>

export type PaletteName = keyof typeof PALETTES

export const PALETTE_NAMES = Object.keys(PALETTES) as PaletteName[]

/** A ramp as a CSS gradient, from left to right. */
export function gradientOf(ramp: Ramp): string {
  const stops = ramp.map((color, i) => `rgb(${color.join(' ')}) ${(i * 100) / (ramp.length - 1)}%`)
  return `linear-gradient(to right, ${stops.join(', ')})`
}
