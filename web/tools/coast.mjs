// Cuts the land around each city out of OpenStreetMap's land polygons (10 m resolution) into public/basemap/<city>.json,
// a GeoJSON MultiPolygon whose `bbox` (west, south, east, north) says how far it reaches.
// The source is 130 MB and changes rarely, so its cut is committed and the package is not a dependency. To renew it:
//   npm install --no-save @geo-maps/earth-lands-10m && node --max-old-space-size=6000 tools/coast.mjs ../functions/heatmap/cities.json
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const MARGIN_DEG = 0.45
const DECIMALS = 4 // 11 m: finer than the source

const source = createRequire(import.meta.url).resolve('@geo-maps/earth-lands-10m/map.geo.json')
const cities = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const land = JSON.parse(readFileSync(source, 'utf8')).geometries[0].coordinates

const round = (x) => Number(x.toFixed(DECIMALS))

/** Sutherland-Hodgman against one side: `axis` 0 = lon, 1 = lat; `sign` 1 keeps what is below `limit`, -1 what is above. */
function clipSide(ring, axis, sign, limit) {
  const inside = (p) => sign * (limit - p[axis]) >= 0
  const out = []
  ring.forEach((p, i) => {
    const before = ring[(i + ring.length - 1) % ring.length]
    if (inside(p) !== inside(before)) {
      const t = (limit - before[axis]) / (p[axis] - before[axis])
      out.push([before[0] + t * (p[0] - before[0]), before[1] + t * (p[1] - before[1])])
    }
    if (inside(p)) out.push(p)
  })
  return out
}

function clipRing(ring, [south, west, north, east]) {
  let out = ring.slice(0, -1)
  for (const [axis, sign, limit] of [[0, -1, west], [0, 1, east], [1, -1, south], [1, 1, north]]) {
    out = clipSide(out, axis, sign, limit)
  }
  return out.length < 3 ? null : [...out, out[0]].map(([lon, lat]) => [round(lon), round(lat)])
}

const touches = (ring, [south, west, north, east]) => {
  const lons = ring.map((p) => p[0])
  const lats = ring.map((p) => p[1])
  const min = (xs) => xs.reduce((a, b) => Math.min(a, b))
  const max = (xs) => xs.reduce((a, b) => Math.max(a, b))
  return max(lons) >= west && min(lons) <= east && max(lats) >= south && min(lats) <= north
}

for (const { name, bbox } of cities) {
  const [s, w, n, e] = bbox
  const box = [s - MARGIN_DEG, w - MARGIN_DEG, n + MARGIN_DEG, e + MARGIN_DEG].map(round)
  const coordinates = land
    .filter((polygon) => touches(polygon[0], box))
    .map((polygon) => polygon.map((ring) => clipRing(ring, box)))
    .filter(([outer]) => outer !== null)
    .map((rings) => rings.filter((ring) => ring !== null))
  const geometry = { type: 'MultiPolygon', bbox: [box[1], box[0], box[3], box[2]], coordinates }
  writeFileSync(new URL(`../public/basemap/${name}.json`, import.meta.url), JSON.stringify(geometry) + '\n')
}
