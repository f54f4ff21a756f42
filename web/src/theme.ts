/** The colours of the page, light and dark. A ramp goes from a lone driver to the busiest cell. */

export type Rgb = readonly [red: number, green: number, blue: number]
export type Ramp = readonly [Rgb, Rgb, Rgb, Rgb, Rgb]

export interface Theme {
  sea: string
  land: string
  coast: string
  border: string
  grid: string
  label: string
  halo: string
  water: string
  ramp: Ramp
  /** How much of what lies below the glow still shines through: light adds up in the dark, ink covers on paper. */
  glowCover: number
  glowOpacity: number
  /** What a cell that has just changed flashes towards. */
  flash: Rgb
}

const DARK: Theme = {
  sea: '#060a13',
  land: '#101827',
  coast: '#2b3b57',
  border: '#243149',
  grid: '#1a2438',
  label: '#c3cfe4',
  halo: '#0b111d',
  water: '#3f5a85',
  ramp: [[52, 30, 122], [140, 38, 140], [226, 68, 92], [253, 155, 66], [255, 243, 190]],
  glowCover: 0.45,
  glowOpacity: 0.85,
  flash: [255, 255, 255],
}

const LIGHT: Theme = {
  sea: '#d5e1ea',
  land: '#f7f5f0',
  coast: '#a9bac7',
  border: '#c9cfd4',
  grid: '#e6e6e1',
  label: '#36404e',
  halo: '#f7f5f0',
  water: '#7f9db4',
  ramp: [[255, 205, 110], [250, 150, 60], [230, 80, 70], [165, 30, 95], [70, 14, 92]],
  glowCover: 1,
  glowOpacity: 0.6,
  flash: [255, 236, 205],
}

const darkQuery = window.matchMedia('(prefers-color-scheme: dark)')

export const currentTheme = (): Theme => (darkQuery.matches ? DARK : LIGHT)

export function onThemeChange(listener: (theme: Theme) => void): void {
  darkQuery.addEventListener('change', () => listener(currentTheme()))
}
