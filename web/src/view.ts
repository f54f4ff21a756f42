/** What the URL's hash says: the view, so that it can be shared, and once the token, which is kept out of sight. */

export interface View {
  city?: string
  zoom?: number
  lat?: number
  lon?: number
}

const NUMBERS = [
  ['zoom', 0, 24],
  ['lat', -90, 90],
  ['lon', -180, 180],
] as const

/** The view and the token in a hash; what is missing or out of range is left out. */
export function parseHash(hash: string): { view: View; token: string | null } {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const view: View = {}
  const city = fields.get('city')
  if (city) view.city = city
  for (const [name, least, most] of NUMBERS) {
    const text = fields.get(name)
    const value = Number(text)
    if (text && value >= least && value <= most) view[name] = value
  }
  return { view, token: fields.get('token') || null }
}

export function formatHash({ city, zoom, lat, lon }: View): string {
  const fields = new URLSearchParams()
  if (city) fields.set('city', city)
  if (zoom !== undefined) fields.set('zoom', zoom.toFixed(2))
  if (lat !== undefined) fields.set('lat', lat.toFixed(4))
  if (lon !== undefined) fields.set('lon', lon.toFixed(4))
  return `#${fields}`
}
