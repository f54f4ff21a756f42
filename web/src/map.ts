/** The map: the ground, the fleet above it, and where one looks. Loaded after the first paint, for MapLibre is large. */

import { Map as MapLibre, AttributionControl, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import { applyTheme, FLEET_BELOW, loadWorldWhenSeen, showSurroundings, styleOf } from './basemap'
import type { City } from './config'
import { GlowLayer } from './glow'
import { currentTheme, onThemeChange } from './theme'
import type { View } from './view'

setWorkerUrl(workerUrl)

export interface FleetMap {
  setCells(cells: Iterable<readonly [cell: string, count: number]>, levels: number): void
  /** Moves to a city: to a place in it where the view names one, else to all of it. */
  showCity(city: City, view?: View): void
}

/** Resolves when the map can be drawn on; `onMove` gets each place at which it comes to rest. */
export async function createMap(container: HTMLElement, city: City, view: View, onMove: (view: View) => void): Promise<FleetMap> {
  const theme = currentTheme()
  const map = new MapLibre({
    container,
    style: styleOf(theme),
    ...placeOf(city, view, container),
    minZoom: 1,
    maxZoom: 17,
    // The fleet is drawn flat, north up.
    dragRotate: false,
    pitchWithRotate: false,
    maxPitch: 0,
    attributionControl: false,
    locale: { 'Map.Title': 'Map of the live drivers' },
    canvasContextAttributes: { antialias: true },
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.addControl(new AttributionControl({ compact: false, customAttribution: 'Coasts GSHHG · Countries Natural Earth' }))
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right')
  map.addControl(new ScaleControl({ maxWidth: 90 }), 'bottom-right')

  await new Promise<void>((resolve) => map.once('style.load', () => resolve()))
  const fleet = new GlowLayer(theme, 3)
  map.addLayer(fleet, FLEET_BELOW)
  onThemeChange((next) => {
    applyTheme(map, next)
    fleet.setTheme(next)
  })
  loadWorldWhenSeen(map)
  void showSurroundings(map, city)
  map.on('moveend', () => {
    const { lat, lng } = map.getCenter()
    onMove({ zoom: map.getZoom(), lat, lon: lng })
  })

  return {
    setCells: (cells, levels) => fleet.setCells(cells, levels),
    showCity(next, at = {}) {
      fleet.clear()
      void showSurroundings(map, next)
      const place = placeOf(next, at, container)
      if ('center' in place) map.jumpTo(place)
      else map.fitBounds(place.bounds, { ...place.fitBoundsOptions, animate: false })
    },
  }
}

type Padding = { top: number; bottom: number; left: number; right: number }
type Bounds = [[west: number, south: number], [east: number, north: number]]
type Place = { center: [lon: number, lat: number]; zoom: number } | { bounds: Bounds; fitBoundsOptions: { padding: Padding } }

function placeOf({ bbox: [south, west, north, east] }: City, { zoom, lat, lon }: View, container: HTMLElement): Place {
  if (zoom !== undefined && lat !== undefined && lon !== undefined) return { center: [lon, lat], zoom }
  // On a phone the panel covers the top; elsewhere it only covers a corner.
  const top = container.clientWidth <= 560 ? 130 : 16
  return { bounds: [[west, south], [east, north]], fitBoundsOptions: { padding: { top, bottom: 16, left: 16, right: 16 } } }
}
