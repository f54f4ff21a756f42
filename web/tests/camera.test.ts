import { expect, test } from 'vitest'
import { cameraOver, visibleBox } from '../src/camera'

const LAGOS = [6.35, 3.1, 6.75, 3.75] as const
const NO_PADDING = { top: 0, bottom: 0, left: 0, right: 0 }

test('from the camera over a box, the box is seen whole and fills one direction', () => {
  const size = { width: 1280, height: 800 }
  const [south, west, north, east] = visibleBox(cameraOver(LAGOS, size, NO_PADDING), size)
  expect(south).toBeLessThanOrEqual(LAGOS[0] + 1e-9)
  expect(north).toBeGreaterThanOrEqual(LAGOS[2] - 1e-9)
  expect(west).toBeLessThanOrEqual(LAGOS[1] + 1e-9)
  expect(east).toBeGreaterThanOrEqual(LAGOS[3] - 1e-9)
  const filled = Math.max((LAGOS[3] - LAGOS[1]) / (east - west), (LAGOS[2] - LAGOS[0]) / (north - south))
  expect(filled).toBeCloseTo(1, 3)
})

test('what a phone covers above and below stays free of the box', () => {
  const size = { width: 390, height: 844 }
  const padding = { top: 200, bottom: 150, left: 10, right: 10 }
  const camera = cameraOver(LAGOS, size, padding)
  // What is seen in the middle of the screen, where nothing is covered.
  const free = { width: size.width, height: size.height - 2 * Math.max(padding.top, padding.bottom) }
  const [south, , north] = visibleBox(camera, free)
  expect(south).toBeLessThan(LAGOS[0])
  expect(north).toBeGreaterThan(LAGOS[2])
  // There is more covered above than below, so the box lies below the middle.
  expect(camera.lat).toBeGreaterThan((LAGOS[0] + LAGOS[2]) / 2)
})

test('nothing beyond the world is seen', () => {
  const [south, west, north, east] = visibleBox({ lat: 0, lon: 0, zoom: 1 }, { width: 4000, height: 4000 })
  expect([west, east]).toEqual([-180, 180])
  expect(north).toBeCloseTo(85.0511, 3)
  expect(south).toBeCloseTo(-85.0511, 3)
})
