/** The colours of the map below the fleet, dark and light, and how the fleet's light lies on them. */

import type { Rgb, Scheme } from './palettes'

export interface Ground {
  readonly sea: string
  readonly land: string
  readonly coast: string
  readonly border: string
  readonly grid: string
  readonly label: string
  readonly halo: string
  readonly water: string
  /** How much the glow hides what lies below it: light adds up in the dark, ink covers on paper. */
  readonly glowCover: number
  readonly glowOpacity: number
  /** What a cell that has just changed flashes towards. */
  readonly flash: Rgb
}

export const GROUND: Record<Scheme, Ground> = {
  dark: {
    sea: '#060a13',
    land: '#101827',
    coast: '#2b3b57',
    border: '#243149',
    grid: '#1a2438',
    label: '#dbe4f4',
    halo: '#0b111d',
    water: '#5575a8',
    glowCover: 0.45,
    glowOpacity: 0.88,
    flash: [255, 255, 255],
  },
  light: {
    sea: '#d5e1ea',
    land: '#f7f5f0',
    coast: '#a9bac7',
    border: '#c9cfd4',
    grid: '#e6e6e1',
    label: '#36404e',
    halo: '#f7f5f0',
    water: '#7f9db4',
    glowCover: 1,
    glowOpacity: 0.82,
    flash: [255, 236, 205],
  },
}
