/**
 * The map: the ground, the fleet above it, and where one looks. Loaded after the first paint, for MapLibre is large.
 */

import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import { Basemap } from './basemap'
import { LEAST_ZOOM, MOST_ZOOM, type Camera } from './camera'
import type { City, TileSet } from './config'
import { GlowLayer, type Drawing } from './glow'
import type { Scale } from './scale'

setWorkerUrl(workerUrl)

export interface FleetMap {
  /** Shows these cells, in the colours of a scale. */
  show(counts: ReadonlyMap<string, number>, precision: number, scale: Scale): void
  draw(drawing: Drawing, tiles: TileSet | null): void
  /** Goes to a city: nothing of the one before stays. */
  showCity(city: City, camera: Camera): void
  lookAt(camera: Camera): void
  /** Takes it from the page, for another to be made. */
  remove(): void
}

export interface MapStart {
  readonly city: City
  readonly camera: Camera
  readonly drawing: Drawing
  readonly tiles: TileSet | null
}

export interface MapEvents {
  /** One looks from somewhere else; `atRest` unless it goes on. */
  onMove(camera: Camera, atRest: boolean): void
  /** The pointer is over a position, or over none. */
  onHover(at: { lat: number; lon: number } | null): void
  /** A position was clicked or tapped. */
  onPick(at: { lat: number; lon: number }): void
  /** The graphics card took its memory back; it usually gives it again. */
  onLost(): void
  onRestored(): void
  /** Something could not be loaded; one line for people, empty when it was after all. */
  onProblem(text: string): void
}

/** Resolves when the map can be drawn on. Fails with an Error where the browser has no WebGL 2. */
export async function createMap(container: HTMLElement, start: MapStart, events: MapEvents): Promise<FleetMap> {
  const { drawing, tiles, camera } = start
  const map = new MapLibre({
    container,
    style: Basemap.styleOf(tiles, drawing.scheme),
    ...placeOf(camera),
    minZoom: LEAST_ZOOM,
    maxZoom: MOST_ZOOM,
    // The fleet is drawn flat, north up, and once.
    dragRotate: false,
    pitchWithRotate: false,
    maxPitch: 0,
    renderWorldCopies: false,
    attributionControl: false,
    locale: { 'Map.Title': 'Map of the live drivers' },
    canvasContextAttributes: { antialias: true },
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.addControl(new AttributionControl({ compact: false }))
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right')
  map.addControl(new ScaleControl({ maxWidth: 90 }), 'bottom-right')

  const fleet = new GlowLayer(drawing)
  const basemap = new Basemap(map, tiles, drawing.scheme, events.onProblem)
  // A style is also loaded when another ground was chosen, and when the graphics are restored.
  map.on('style.load', () => {
    if (!map.getLayer(fleet.id)) map.addLayer(fleet, basemap.fleetBelow())
    basemap.fill()
  })
  map.on('webglcontextlost', () => events.onLost())
  map.on('webglcontextrestored', () => events.onRestored())
  map.on('error', ({ error }) => events.onProblem(`The map: ${error.message}`))
  await new Promise<void>((resolve) => map.once('style.load', () => resolve()))

  const cameraOf = (): Camera => {
    const { lat, lng } = map.getCenter()
    return { lat, lon: lng, zoom: map.getZoom() }
  }
  map.on('move', () => events.onMove(cameraOf(), false))
  map.on('moveend', () => events.onMove(cameraOf(), true))
  map.on('mousemove', ({ lngLat }) => events.onHover({ lat: lngLat.lat, lon: lngLat.lng }))
  map.on('mouseout', () => events.onHover(null))
  map.on('click', ({ lngLat }) => events.onPick({ lat: lngLat.lat, lon: lngLat.lng }))
  map.on('resize', () => events.onMove(cameraOf(), true))
  void basemap.showCity(start.city)

  return {
    show: (counts, precision, scale) => fleet.show(counts, precision, scale),
    draw(next, nextTiles) {
      basemap.show(nextTiles, next.scheme)
      fleet.draw(next)
    },
    showCity(city, at) {
      fleet.clear()
      void basemap.showCity(city)
      map.jumpTo(placeOf(at))
    },
    lookAt: (at) => void map.jumpTo(placeOf(at)),
    remove: () => map.remove(),
  }
}

type Place = { center: [lon: number, lat: number]; zoom: number }

const placeOf = ({ lat, lon, zoom }: Camera): Place => ({ center: [lon, lat], zoom })
