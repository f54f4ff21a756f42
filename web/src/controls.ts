/** The controls: what the viewer can choose of the map's look. */

import type { TileSet } from './config'
import { part, write } from './dom'
import { gradientOf, PALETTE_NAMES, PALETTES, type Scheme } from './palettes'
import { NO_TILES, parseSettings, type Settings } from './settings'

/** Where the controls are open unless the viewer closed them: not where they would cover the map. */
const ROOMY = '(min-width: 900px) and (min-height: 640px)'

export class Controls {
  private readonly form = part<HTMLFormElement>('controls')
  private readonly display = part<HTMLDetailsElement>('display')
  private settings: Settings
  private readonly onChange: (settings: Settings) => void

  constructor(settings: Settings, tiles: readonly TileSet[], onChange: (settings: Settings) => void) {
    this.settings = settings
    this.onChange = onChange
    part('palettes').append(...PALETTE_NAMES.map(paletteChoice))
    this.offerTiles(tiles)
    this.show(settings)
    this.display.open = settings.open ?? window.matchMedia(ROOMY).matches
    this.form.addEventListener('submit', (event) => event.preventDefault())
    // The switch of looks stands elsewhere, so its events do not pass through the form.
    for (const element of this.form.elements) element.addEventListener('input', () => this.read())
    this.display.addEventListener('toggle', () => this.take({ ...this.settings, open: this.display.open }))
  }

  /** Shows settings that were chosen elsewhere, as by a link. */
  show(settings: Settings): void {
    this.settings = settings
    for (const name of ['look', 'palette', 'opacity', 'radius', 'theme', 'detail', 'tiles'] as const) {
      const field = this.form.elements.namedItem(name)
      if (field && 'value' in field) field.value = `${settings[name]}`
    }
    this.writeValues()
  }

  /** Shows the palettes as they look in a scheme. */
  setScheme(scheme: Scheme): void {
    for (const name of PALETTE_NAMES) part(`palette-${name}`).style.background = gradientOf(PALETTES[name][scheme])
  }

  private read(): void {
    const fields: Record<string, unknown> = Object.fromEntries(new FormData(this.form))
    for (const name of ['opacity', 'radius']) fields[name] = Number(fields[name])
    this.take(parseSettings(JSON.stringify({ ...this.settings, ...fields })))
    this.writeValues()
  }

  private take(settings: Settings): void {
    this.settings = settings
    this.onChange(settings)
  }

  private writeValues(): void {
    write(part('opacity-value'), `${this.settings.opacity} %`)
    write(part('radius-value'), `${this.settings.radius} %`)
  }

  private offerTiles(tiles: readonly TileSet[]): void {
    part('tiles').append(new Option('Built in', NO_TILES), ...tiles.map(({ name, title }) => new Option(title, name)))
    part('tiles-field').hidden = tiles.length === 0
  }
}

function paletteChoice(name: (typeof PALETTE_NAMES)[number]): HTMLElement {
  const label = document.createElement('label')
  const input = Object.assign(document.createElement('input'), { type: 'radio', name: 'palette', value: name })
  const swatch = Object.assign(document.createElement('span'), { className: 'swatch', id: `palette-${name}` })
  label.append(input, swatch, Object.assign(document.createElement('span'), { textContent: PALETTES[name].title }))
  return label
}
