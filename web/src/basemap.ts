/** Keeps the map's ground as it was asked for: whose ground, in which scheme, around which city. */

import type { GeoJSONSource, Map as MapLibre } from 'maplibre-gl'
import type { City, TileSet } from './config'
import { FLEET_BELOW, ownLayers, ownStyle, tilesStyle } from './ground-style'
import type { Scheme } from './palettes'
import { surroundingsOf, worldData, type GroundData } from './surroundings'

/** From here inwards only the city's own land is seen. */
const WORLD_BELOW_ZOOM = 9.5

export class Basemap {
  private data: GroundData = {}
  /** What the map's style was made for. */
  private styled: string
  /** Not while a style is being loaded, nor while the graphics are lost. */
  private isLoaded = false
  private city: City | null = null
  private wantsWorld = false
  private hasHole = false
  private tiles: TileSet | null
  private scheme: Scheme
  private readonly map: MapLibre
  private readonly onProblem: (text: string) => void

  constructor(map: MapLibre, tiles: TileSet | null, scheme: Scheme, onProblem: (text: string) => void) {
    this.map = map
    this.tiles = tiles
    this.scheme = scheme
    this.onProblem = onProblem
    this.styled = keyOf(tiles, scheme)
    map.on('moveend', () => this.lookForWorld())
    map.on('webglcontextlost', () => (this.isLoaded = false))
  }

  /** The style to start with, and whenever all of it is to be made anew. */
  static styleOf(tiles: TileSet | null, scheme: Scheme): ReturnType<typeof tilesStyle> {
    return tiles ? tilesStyle(tiles, scheme, document.baseURI) : ownStyle(scheme)
  }

  /** The layer below which the fleet belongs: names stay legible above its light. Undefined: above all. */
  fleetBelow(): string | undefined {
    if (!this.tiles) return FLEET_BELOW
    return this.map.getStyle().layers.find(({ type }) => type === 'symbol')?.id
  }

  /** Completes a style that has just been loaded. */
  fill(): void {
    this.isLoaded = true
    this.apply()
    if (!this.isLoaded || this.tiles) return
    this.paint()
    this.put(this.data)
  }

  show(tiles: TileSet | null, scheme: Scheme): void {
    this.tiles = tiles
    this.scheme = scheme
    if (this.isLoaded) this.apply()
    this.lookForWorld()
  }

  async showCity(city: City): Promise<void> {
    this.city = city
    try {
      const { data, hasCoast } = await surroundingsOf(city)
      if (this.city !== city) return
      this.put(data)
      this.mended()
      this.wantsWorld = !hasCoast
      this.lookForWorld()
    } catch (error) {
      this.failed(error)
    }
  }

  private apply(): void {
    const wanted = keyOf(this.tiles, this.scheme)
    if (this.styled === wanted) return
    const isOwn = !this.tiles && this.styled.startsWith(OWN)
    this.styled = wanted
    if (isOwn) return this.paint()
    // What was added to the old style goes with it, and is added again when the new one has loaded.
    this.isLoaded = false
    this.map.setStyle(Basemap.styleOf(this.tiles, this.scheme), { diff: false })
  }

  private paint(): void {
    for (const layer of ownLayers(this.scheme)) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) {
        this.map.setPaintProperty(layer.id, name as 'line-color', value)
      }
    }
  }

  private put(data: GroundData): void {
    this.data = { ...this.data, ...data }
    if (this.tiles || !this.isLoaded) return
    for (const [name, value] of Object.entries(data)) this.map.getSource<GeoJSONSource>(name)?.setData(value)
  }

  private lookForWorld(): void {
    if (this.tiles || this.data['world'] || (!this.wantsWorld && this.map.getZoom() >= WORLD_BELOW_ZOOM)) return
    worldData().then(
      (data) => {
        this.put(data)
        this.mended()
      },
      (error: unknown) => this.failed(error),
    )
  }

  /** A file that could not be fetched leaves a hole in the ground, and no more. */
  private failed(error: unknown): void {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error
    this.hasHole = true
    this.onProblem('Part of the map below the fleet could not be loaded.')
  }

  private mended(): void {
    if (this.hasHole) this.onProblem('')
    this.hasHole = false
  }
}

const OWN = 'own '

const keyOf = (tiles: TileSet | null, scheme: Scheme): string => `${tiles ? `tiles ${tiles.name} ` : OWN}${scheme}`
