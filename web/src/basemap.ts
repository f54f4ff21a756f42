/** The map below the fleet, without a tile server: coasts and place names around the cities, countries for the far view. */

import type { Feature, FeatureCollection, Point, Polygon, Position } from 'geojson'
import type { LayerSpecification, Map as MapLibre, StyleSpecification, GeoJSONSource } from 'maplibre-gl'
import type { City } from './config'
import { sizeOf, type Box } from './geohash'
import places from './places.json'
import type { Theme } from './theme'
import worldUrl from 'world-atlas/countries-50m.json?url'

const FONT = ['Inter', 'system-ui', 'Helvetica Neue', 'Arial', 'sans-serif']
const SOURCES = ['world', 'borders', 'box', 'coast', 'shore', 'grid', 'places'] as const
/** From here inwards only the city's own land is seen. */
const WORLD_BELOW_ZOOM = 9.5
/** The grid shows the tiles of the finest precision, which are what the server sends. */
const GRID_PRECISION = 5
/** In tiles: enough that a phone held upright does not show where the grid ends. */
const GRID_MARGIN = 20

const empty: FeatureCollection = { type: 'FeatureCollection', features: [] }

export function styleOf(theme: Theme): StyleSpecification {
  const source = { type: 'geojson' as const, data: empty }
  return { version: 8, sources: Object.fromEntries(SOURCES.map((name) => [name, source])), layers: layersOf(theme) }
}

/** The name of the layer below which the fleet is drawn: names stay legible above the light. */
export const FLEET_BELOW = 'water-names'

function layersOf(theme: Theme): LayerSpecification[] {
  const fadeIn = ['interpolate', ['linear'], ['zoom'], 6, 0, 7.5, 1] as unknown as number
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': theme.sea } },
    { id: 'world', type: 'fill', source: 'world', paint: { 'fill-color': theme.land } },
    { id: 'world-coast', type: 'line', source: 'world', paint: { 'line-color': theme.coast, 'line-width': 0.8 } },
    { id: 'borders', type: 'line', source: 'borders', paint: { 'line-color': theme.border, 'line-width': 1 } },
    { id: 'box', type: 'fill', source: 'box', paint: { 'fill-color': theme.sea, 'fill-opacity': fadeIn, 'fill-antialias': false } },
    {
      id: 'coast',
      type: 'fill',
      source: 'coast',
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': ['case', ['get', 'water'], theme.sea, theme.land], 'fill-opacity': fadeIn },
    },
    {
      id: 'rivers',
      type: 'line',
      source: 'coast',
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': theme.sea, 'line-opacity': fadeIn, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 1, 13, 5] },
    },
    { id: 'grid', type: 'line', source: 'grid', minzoom: 8.5, paint: { 'line-color': theme.grid, 'line-width': 1 } },
    {
      id: 'shore',
      type: 'line',
      source: 'shore',
      paint: { 'line-color': theme.coast, 'line-opacity': fadeIn, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.8, 13, 2] },
    },
    {
      id: 'water-names',
      type: 'symbol',
      source: 'places',
      minzoom: 8.5,
      filter: ['==', ['get', 'rank'], 0],
      layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 12, 'text-letter-spacing': 0.22, 'text-max-width': 6 },
      paint: { 'text-color': theme.water },
    },
    {
      id: 'place-names',
      type: 'symbol',
      source: 'places',
      minzoom: 8.5,
      filter: ['step', ['zoom'], ['==', ['get', 'rank'], 1], 11.2, ['>=', ['get', 'rank'], 1]],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 14, 15],
        'symbol-sort-key': ['get', 'rank'],
        'text-padding': 6,
      },
      paint: { 'text-color': theme.label, 'text-halo-color': theme.halo, 'text-halo-width': 1.4, 'text-halo-blur': 0.4 },
    },
  ]
}

/** Gives the map's own layers the colours of a theme. */
export function applyTheme(map: MapLibre, theme: Theme): void {
  for (const layer of layersOf(theme)) {
    for (const [name, value] of Object.entries(layer.paint ?? {})) map.setPaintProperty(layer.id, name as 'line-color', value)
  }
}

/** Draws the surroundings of one city. A city that has no coast of its own file stays with the world's. */
export async function showSurroundings(map: MapLibre, city: City): Promise<void> {
  source(map, 'places').setData(namesOf(city.name))
  source(map, 'grid').setData(gridOver(city.bbox))
  const response = await fetch(`./basemap/${city.name}.json`)
  if (!response.ok) return loadWorld(map)
  const coast = (await response.json()) as FeatureCollection
  const bounds = coast.bbox as Bounds
  source(map, 'coast').setData(coast)
  source(map, 'shore').setData(shoreOf(coast, bounds))
  source(map, 'box').setData(boxAround(bounds))
}

/** Loads the countries as soon as someone looks at them: the file is ten times all the rest. */
export function loadWorldWhenSeen(map: MapLibre): void {
  const look = (): void => {
    if (map.getZoom() >= WORLD_BELOW_ZOOM) return
    map.off('moveend', look)
    void loadWorld(map)
  }
  map.on('moveend', look)
  look()
}

let world: Promise<void> | undefined

const loadWorld = (map: MapLibre): Promise<void> => (world ??= fetchWorld(map))

async function fetchWorld(map: MapLibre): Promise<void> {
  const [{ feature, mesh }, topology] = await Promise.all([
    import('topojson-client'),
    fetch(worldUrl).then((response) => response.json()),
  ])
  source(map, 'world').setData(feature(topology, topology.objects.land))
  source(map, 'borders').setData(mesh(topology, topology.objects.countries, (a, b) => a !== b))
}

const source = (map: MapLibre, name: (typeof SOURCES)[number]): GeoJSONSource => map.getSource(name) as GeoJSONSource

type Place = readonly [name: string, lat: number, lon: number, rank?: number]

function namesOf(city: string): FeatureCollection {
  const known = (places as unknown as Record<string, { places: Place[]; waters: Place[] }>)[city]
  const named = ([name, lat, lon, rank]: Place): Feature<Point> => ({
    type: 'Feature',
    properties: { name, rank: rank ?? 0 },
    geometry: { type: 'Point', coordinates: [lon, lat] },
  })
  return { type: 'FeatureCollection', features: [...(known?.places ?? []), ...(known?.waters ?? [])].map(named) }
}

/** The order of GeoJSON, not that of the API. */
type Bounds = readonly [west: number, south: number, east: number, north: number]

/** The outlines of land and lakes, without the edges at which they were cut. */
function shoreOf(coast: FeatureCollection, [west, south, east, north]: Bounds): Feature {
  const isCut = ([x0, y0]: Position, [x1, y1]: Position): boolean =>
    (x0 === x1 && (x0 === west || x0 === east)) || (y0 === y1 && (y0 === south || y0 === north))
  const coordinates: Position[][] = []
  for (const { geometry } of coast.features) {
    if (geometry.type !== 'Polygon') continue
    for (const ring of (geometry as Polygon).coordinates) {
      let run: Position[] = []
      ring.forEach((point, i) => {
        const before = ring[i - 1]
        if (before && isCut(before, point)) {
          coordinates.push(run)
          run = []
        }
        run.push(point)
      })
      coordinates.push(run)
    }
  }
  const lines = coordinates.filter((run) => run.length > 1)
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } }
}

function boxAround([west, south, east, north]: Bounds): Feature {
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }
}

/** The borders of the tiles in and around a city. */
function gridOver([south, west, north, east]: Box): Feature {
  const { lat, lon } = sizeOf(GRID_PRECISION)
  const steps = (from: number, to: number, step: number): number[] => {
    const first = Math.floor(from / step) - GRID_MARGIN
    const last = Math.ceil(to / step) + GRID_MARGIN
    return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
  }
  const lats = steps(south, north, lat)
  const lons = steps(west, east, lon)
  const along = lats.map((y) => [[lons[0] ?? west, y], [lons.at(-1) ?? east, y]])
  const across = lons.map((x) => [[x, lats[0] ?? south], [x, lats.at(-1) ?? north]])
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: [...along, ...across] } }
}
