/** What the URL's hash says: the view, so that it can be shared, and once the token, which is kept out of sight. */

import { LEAST_ZOOM, MOST_ZOOM, type Camera } from './camera'
import { LOOKS, type Look } from './settings'

export interface View {
  city?: string
  /** Where one looks; without it, at the whole city. */
  camera?: Camera
  look?: Look
  /** The name of a set of tiles, or `none`. */
  tiles?: string
}

/** The view and the token in a hash; what is missing or out of range is left out. */
export function parseHash(hash: string): { view: View; token: string | null } {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const view: View = {}
  const city = fields.get('city')
  if (city) view.city = city
  const [zoom, lat, lon] = [
    inRange(fields.get('zoom'), LEAST_ZOOM, MOST_ZOOM),
    inRange(fields.get('lat'), -90, 90),
    inRange(fields.get('lon'), -180, 180),
  ]
  if (zoom !== null && lat !== null && lon !== null) view.camera = { lat, lon, zoom }
  const look = LOOKS.find((each) => each === fields.get('look'))
  if (look) view.look = look
  const tiles = fields.get('tiles')
  if (tiles) view.tiles = tiles
  return { view, token: fields.get('token') || null }
}

export function formatHash({ city, camera, look, tiles }: View): string {
  const fields = new URLSearchParams()
  if (city) fields.set('city', city)
  if (camera) {
    fields.set('zoom', camera.zoom.toFixed(2))
    fields.set('lat', camera.lat.toFixed(4))
    fields.set('lon', camera.lon.toFixed(4))
  }
  if (look) fields.set('look', look)
  if (tiles) fields.set('tiles', tiles)
  return `#${fields}`
}

function inRange(text: string | null, least: number, most: number): number | null {
  const value = Number(text)
  return text && value >= least && value <= most ? value : null
}
