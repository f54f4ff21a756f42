/** What the deployment tells the page: ./config.json, uploaded beside it. */

import type { Box } from 'fleetglow-protocol'
import { NO_TILES } from './settings'

export interface City {
  readonly name: string
  readonly title: string
  readonly bbox: Box
}

/**
 * A basemap of someone else's, which viewers may choose: pictures by a template, or a MapLibre style with vector tiles.
 */
export interface TileSet {
  readonly name: string
  readonly title: string
  /** Of raster tiles, with `{z}`, `{x}` and `{y}`. */
  readonly url?: string
  /** The same for the dark theme; without it the light ones are dimmed. */
  readonly dark_url?: string
  readonly tile_size?: number
  readonly max_zoom?: number
  /** Of a style for MapLibre, instead of `url`. */
  readonly style?: string
  readonly dark_style?: string
  readonly attribution?: string
  /** Further origins that a style loads from: its tiles, glyphs and sprites. */
  readonly hosts?: readonly string[]
}

export interface Config {
  readonly websocket_url: string
  readonly cities: readonly [City, ...City[]]
  readonly precisions: readonly [number, ...number[]]
  readonly tiles: readonly TileSet[]
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether a value is a city that can be shown; the server lists its cities in the same shape. */
export function isCity(value: unknown): value is City {
  if (!isObject(value)) return false
  const { name, title, bbox } = value
  const isBox = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite)
  return typeof name === 'string' && typeof title === 'string' && isBox
}

function isTileSet(value: unknown): value is TileSet {
  if (!isObject(value)) return false
  const texts = ['url', 'dark_url', 'style', 'dark_style', 'attribution'].map((name) => value[name])
  const numbers = [value['tile_size'], value['max_zoom']]
  const hosts = value['hosts'] ?? []
  return (
    typeof value['name'] === 'string' &&
    value['name'] !== NO_TILES &&
    typeof value['title'] === 'string' &&
    texts.every((text) => text === undefined || typeof text === 'string') &&
    numbers.every((number) => number === undefined || Number.isInteger(number)) &&
    (value['url'] === undefined) !== (value['style'] === undefined) &&
    Array.isArray(hosts) &&
    hosts.every((host) => typeof host === 'string')
  )
}

/**
 * The configuration in a parsed file.
 * @throws Error with one line that can be shown, when something is missing or malformed
 */
export function checkedConfig(value: unknown): Config {
  if (!isObject(value)) throw new Error('config.json: expected an object')
  const { websocket_url, cities, precisions, tiles = [] } = value
  if (typeof websocket_url !== 'string' || !/^wss?:/.test(websocket_url)) {
    throw new Error('config.json: expected websocket_url to be a URL that begins with ws: or wss:')
  }
  if (!Array.isArray(cities) || cities.length === 0 || !cities.every(isCity)) {
    throw new Error('config.json: expected cities with name, title and bbox')
  }
  if (!Array.isArray(precisions) || precisions.length === 0 || !precisions.every(Number.isInteger)) {
    throw new Error('config.json: expected precisions')
  }
  if (!Array.isArray(tiles) || !tiles.every(isTileSet)) {
    throw new Error(`config.json: expected tiles with name (not ${NO_TILES}), title, and either url or style`)
  }
  return { websocket_url, cities: cities as [City, ...City[]], precisions: precisions as [number, ...number[]], tiles }
}

/** @throws Error with one line that can be shown, when the file is missing or incomplete */
export async function loadConfig(): Promise<Config> {
  const response = await fetch('./config.json', { cache: 'no-cache' })
  if (!response.ok) throw new Error(`config.json: expected 200, got ${response.status}`)
  return checkedConfig(await response.json())
}
