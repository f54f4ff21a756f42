import { expect, test } from 'vitest'
import { formatHash, parseHash } from '../src/view'

test('a view survives its way through the URL', () => {
  const view = { city: 'sao-paulo', zoom: 12.5, lat: -23.55, lon: -46.6333 }
  expect(parseHash(formatHash(view))).toEqual({ view, token: null })
})

test('the token is told apart from the view, and no hash contains it', () => {
  const { view, token } = parseHash('#token=a.b.c&city=lagos')
  expect(token).toBe('a.b.c')
  expect(formatHash(view)).toBe('#city=lagos')
})

test.each(['#zoom=far', '#zoom=99', '#lat=91', '#lon=-181', '#zoom=', '#'])('%s says nothing of the view', (hash) => {
  expect(parseHash(hash).view).toEqual({})
})
