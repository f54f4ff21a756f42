/** What the deployment tells the page: ./config.json, uploaded beside it. */

import type { Box } from './geohash'

export interface City {
  name: string
  title: string
  bbox: Box
}

export interface Config {
  websocket_url: string
  cities: [City, ...City[]]
  precisions: [number, ...number[]]
}

function isCity(value: unknown): boolean {
  const { name, title, bbox } = (value ?? {}) as Partial<City>
  return typeof name === 'string' && typeof title === 'string' && Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite)
}

/** @throws Error with one line that can be shown, when the file is missing or incomplete */
export async function loadConfig(): Promise<Config> {
  const response = await fetch('./config.json', { cache: 'no-cache' })
  if (!response.ok) throw new Error(`config.json: expected 200, got ${response.status}`)
  const config = (await response.json()) as Partial<Config> | null
  const { websocket_url, cities, precisions } = config ?? {}
  if (typeof websocket_url !== 'string') throw new Error('config.json: expected websocket_url to be text')
  if (!cities?.length || !cities.every(isCity)) throw new Error('config.json: expected cities with name, title and bbox')
  if (!precisions?.length || !precisions.every(Number.isInteger)) throw new Error('config.json: expected precisions')
  return { websocket_url, cities, precisions }
}
