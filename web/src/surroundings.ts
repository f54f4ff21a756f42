/**
 * What lies around a city: its coast, waters and place names, and the grid of tiles. From files that come with the
 * page.
 */

import type { Feature, FeatureCollection, Point, Polygon, Position } from 'geojson'
import type { City } from './config'
import { sizeOf, type Box } from 'fleetglow-protocol'
import places from './places.json'
import worldUrl from 'world-atlas/countries-50m.json?url'

/** The grid shows the tiles of this many characters. */
const GRID_LENGTH = 5
/** In tiles: enough that a phone held upright does not show where the grid ends. */
const GRID_MARGIN = 20

/** The data of the map's own sources, by name; one that is not there is empty. */
export type GroundData = Readonly<Record<string, Feature | FeatureCollection>>

/** The surroundings of a city; null for the coast where none came with the page. */
export async function surroundingsOf(city: City): Promise<{ data: GroundData; hasCoast: boolean }> {
  const near = { places: namesOf(city.name), grid: gridOver(city.bbox) }
  const response = await fetch(`./basemap/${encodeURIComponent(city.name)}.json`)
  if (!response.ok) return { data: { ...near, coast: NOTHING, shore: NOTHING, box: NOTHING }, hasCoast: false }
  const coast = (await response.json()) as FeatureCollection
  const bounds = coast.bbox as Bounds
  return { data: { ...near, coast, shore: shoreOf(coast, bounds), box: boxAround(bounds) }, hasCoast: true }
}

export const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }

let world: Promise<GroundData> | undefined

/** The countries of the world: ten times all the rest, so they are loaded when someone looks at them. */
export async function worldData(): Promise<GroundData> {
  try {
    return await (world ??= fetchWorld())
  } catch (error) {
    // The next look tries again.
    world = undefined
    throw error
  }
}

async function fetchWorld(): Promise<GroundData> {
  const [{ feature, mesh }, topology] = await Promise.all([
    import('topojson-client'),
    fetch(worldUrl).then((response) => response.json()),
  ])
  const borders = mesh(topology, topology.objects.countries, (a, b) => a !== b)
  return {
    world: feature(topology, topology.objects.land),
    borders: { type: 'Feature', properties: {}, geometry: borders },
  }
}

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
  const { lat, lon } = sizeOf(GRID_LENGTH)
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
