import { expect, test } from 'vitest'
import { formatHash, parseHash, type View } from '../src/view'

test('a view survives its way through the URL', () => {
  const camera = { zoom: 12.5, lat: -23.55, lon: -46.6333 }
  const view: View = { city: 'sao-paulo', camera, look: 'cells', tiles: 'streets' }
  expect(parseHash(formatHash(view))).toEqual({ view, token: null })
})

test('the token is told apart from the view, and no hash contains it', () => {
  const { view, token } = parseHash('#token=a.b.c&city=lagos')
  expect(token).toBe('a.b.c')
  expect(formatHash(view)).toBe('#city=lagos')
})

const BAD_ZOOMS = ['#zoom=far&lat=1&lon=1', '#zoom=99&lat=1&lon=1']
const BAD_PLACES = ['#zoom=9&lat=91&lon=1', '#zoom=9&lat=1&lon=-181', '#zoom=9&lat=1']

test.each([...BAD_ZOOMS, ...BAD_PLACES, '#look=fancy', '#'])('%s says nothing of the view', (hash) => {
  expect(parseHash(hash).view).toEqual({})
})
