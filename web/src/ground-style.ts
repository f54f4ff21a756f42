/** The map below the fleet as MapLibre styles: our own ground, which needs no tile server, or a set of tiles. */

import type { LayerSpecification, RasterLayerSpecification, StyleSpecification } from 'maplibre-gl'
import type { TileSet } from './config'
import { GROUND, type Ground } from './ground'
import type { Scheme } from './palettes'
import { NOTHING } from './surroundings'

const FONT = ['Inter', 'system-ui', 'Helvetica Neue', 'Arial', 'sans-serif']
const ATTRIBUTIONS: Record<string, string> = { world: 'Countries Natural Earth', coast: 'Coasts GSHHG' }
const SOURCES = ['world', 'borders', 'box', 'coast', 'shore', 'grid', 'places'] as const

/** The layer of our own ground below which the fleet is drawn: names stay legible above the light. */
export const FLEET_BELOW = 'water-names'

/** Our own ground; its sources are empty and get their data when the city is known. */
export function ownStyle(scheme: Scheme): StyleSpecification {
  const source = (name: string): StyleSpecification['sources'][string] => {
    const attribution = ATTRIBUTIONS[name]
    return { type: 'geojson', data: NOTHING, ...(attribution && { attribution }) }
  }
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((name) => [name, source(name)])),
    layers: ownLayers(scheme),
  }
}

export function ownLayers(scheme: Scheme): LayerSpecification[] {
  const ground: Ground = GROUND[scheme]
  const fadeIn = ['interpolate', ['linear'], ['zoom'], 6, 0, 7.5, 1] as unknown as number
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': ground.sea } },
    { id: 'world', type: 'fill', source: 'world', paint: { 'fill-color': ground.land } },
    { id: 'world-coast', type: 'line', source: 'world', paint: { 'line-color': ground.coast, 'line-width': 0.8 } },
    { id: 'borders', type: 'line', source: 'borders', paint: { 'line-color': ground.border, 'line-width': 1 } },
    {
      id: 'box',
      type: 'fill',
      source: 'box',
      paint: { 'fill-color': ground.sea, 'fill-opacity': fadeIn, 'fill-antialias': false },
    },
    {
      id: 'coast',
      type: 'fill',
      source: 'coast',
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': ['case', ['get', 'water'], ground.sea, ground.land], 'fill-opacity': fadeIn },
    },
    {
      id: 'rivers',
      type: 'line',
      source: 'coast',
      filter: ['==', ['geometry-type'], 'LineString'],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': ground.sea,
        'line-opacity': fadeIn,
        'line-width': ['interpolate', ['linear'], ['zoom'], 8, 1, 13, 5],
      },
    },
    { id: 'grid', type: 'line', source: 'grid', minzoom: 8.5, paint: { 'line-color': ground.grid, 'line-width': 1 } },
    {
      id: 'shore',
      type: 'line',
      source: 'shore',
      paint: {
        'line-color': ground.coast,
        'line-opacity': fadeIn,
        'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.8, 13, 2],
      },
    },
    {
      id: 'water-names',
      type: 'symbol',
      source: 'places',
      minzoom: 8.5,
      filter: ['==', ['get', 'rank'], 0],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 12,
        'text-letter-spacing': 0.22,
        'text-max-width': 6,
      },
      paint: { 'text-color': ground.water },
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
      paint: {
        'text-color': ground.label,
        'text-halo-color': ground.halo,
        'text-halo-width': 1.7,
        'text-halo-blur': 0.6,
      },
    },
  ]
}

/**
 * The style of a set of tiles: a style document's URL, or a style that shows pictures.
 * @param base the page's URL, against which those of the set are read
 */
export function tilesStyle(set: TileSet, scheme: Scheme, base: string): string | StyleSpecification {
  const isDark = scheme === 'dark'
  if (set.style !== undefined) return new URL((isDark ? set.dark_style : undefined) ?? set.style, base).href
  const url = (isDark ? set.dark_url : undefined) ?? set.url ?? ''
  return {
    version: 8,
    sources: {
      tiles: {
        type: 'raster',
        tiles: [absolute(url, base)],
        tileSize: set.tile_size ?? 256,
        ...(set.max_zoom !== undefined && { maxzoom: set.max_zoom }),
        ...(set.attribution !== undefined && { attribution: set.attribution }),
      },
    },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': GROUND[scheme].sea } },
      { id: 'tiles', type: 'raster', source: 'tiles', paint: picturePaint(isDark, set.dark_url !== undefined) },
    ],
  }
}

/** Pictures step back behind the fleet; light ones are turned into dark ones where the set has none of its own. */
function picturePaint(isDark: boolean, hasDark: boolean): NonNullable<RasterLayerSpecification['paint']> {
  if (!isDark) return { 'raster-saturation': -0.55, 'raster-opacity': 0.75 }
  if (hasDark) return { 'raster-opacity': 0.85 }
  // Black and white change places, and the hues are turned back to what they were.
  const turned = { 'raster-brightness-min': 0.8, 'raster-brightness-max': 0.06, 'raster-hue-rotate': 180 }
  return { ...turned, 'raster-saturation': -0.6, 'raster-opacity': 0.7 }
}

/** A template with the page's origin where it names none; its braces stay. */
const absolute = (template: string, base: string): string =>
  new URL(template, base).href.replaceAll('%7B', '{').replaceAll('%7D', '}')
