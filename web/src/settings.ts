/** How the viewer wants the map to look: kept in this browser, checked when read, since anyone can edit it there. */

import { PALETTE_NAMES, type PaletteName } from './palettes'

export const LOOKS = ['glow', 'cells'] as const
export type Look = (typeof LOOKS)[number]
export const THEMES = ['auto', 'dark', 'light'] as const
export type ThemeChoice = (typeof THEMES)[number]
/** How small the cells may be: as the zoom suggests, or one precision finer, which costs more data. */
export const DETAILS = ['auto', 'fine'] as const
export type Detail = (typeof DETAILS)[number]

export interface Settings {
  readonly look: Look
  readonly palette: PaletteName
  /** Of the fleet's light, in per cent. */
  readonly opacity: number
  /** Of the glow, in per cent of what suits the zoom. */
  readonly radius: number
  readonly theme: ThemeChoice
  readonly detail: Detail
  /** The name of a set of tiles below the fleet; `none` is the ground that comes with the page. */
  readonly tiles: string
  /** Whether the controls are open; null until the viewer has said so. */
  readonly open: boolean | null
}

export const NO_TILES = 'none'
export const OPACITY = { least: 20, most: 100 } as const
export const RADIUS = { least: 40, most: 250 } as const

export const DEFAULTS: Settings = {
  look: 'glow',
  palette: 'ember',
  opacity: 100,
  radius: 100,
  theme: 'auto',
  detail: 'auto',
  tiles: NO_TILES,
  open: null,
}

/** The settings in a text; whatever is missing, of a wrong type or out of range is the default. */
export function parseSettings(text: string | null): Settings {
  const fields = objectIn(text)
  return {
    look: oneOf(LOOKS, fields['look'], DEFAULTS.look),
    palette: oneOf(PALETTE_NAMES, fields['palette'], DEFAULTS.palette),
    opacity: within(OPACITY, fields['opacity'], DEFAULTS.opacity),
    radius: within(RADIUS, fields['radius'], DEFAULTS.radius),
    theme: oneOf(THEMES, fields['theme'], DEFAULTS.theme),
    detail: oneOf(DETAILS, fields['detail'], DEFAULTS.detail),
    tiles: typeof fields['tiles'] === 'string' ? fields['tiles'] : DEFAULTS.tiles,
    open: typeof fields['open'] === 'boolean' ? fields['open'] : DEFAULTS.open,
  }
}

function objectIn(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

const oneOf = <T extends string>(known: readonly T[], value: unknown, otherwise: T): T =>
  known.find((each) => each === value) ?? otherwise

const within = ({ least, most }: { least: number; most: number }, value: unknown, otherwise: number): number =>
  typeof value === 'number' && value >= least && value <= most ? value : otherwise

const KEY = 'fleetglow.settings'

/** A browser that forbids storage throws on the mere mention of it; the page then works with what it has. */
function storage(): Storage | null {
  try {
    return window.localStorage
  } catch (error) {
    if (error instanceof DOMException) return null
    throw error
  }
}

export const storedSettings = (): Settings => parseSettings(storage()?.getItem(KEY) ?? null)

export const storeSettings = (settings: Settings): void => storage()?.setItem(KEY, JSON.stringify(settings))
