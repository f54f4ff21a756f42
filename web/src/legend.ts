/** The legend: which colour is which count, and how large a cell is. */

import { sizeOf } from 'fleetglow-protocol'
import { number, part, write } from './dom'
import { gradientOf, type Ramp } from './palettes'
import { ticksOf, type Scale } from './scale'

const KM_PER_DEGREE = 111.195

/** Cells whose sides differ by less are told as square. */
const SQUARE_WITHIN = 0.03

/** How large the cells of a precision are at a latitude, as `153 m` or `1.2 × 0.6 km`, width first. */
export function cellSizeText(precision: number, lat: number): string {
  const { lat: high, lon: wide } = sizeOf(precision)
  const [width, height] = [wide * KM_PER_DEGREE * Math.cos((lat * Math.PI) / 180), high * KM_PER_DEGREE]
  const [unit, factor] = Math.max(width, height) < 1 ? ['m', 1000] : ['km', 1]
  const isSquare = Math.abs(width / height - 1) < SQUARE_WITHIN
  return `${(isSquare ? [height] : [width, height]).map((km) => rounded(km * factor)).join(' × ')} ${unit}`
}

const rounded = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))

/** What is hidden from a viewer who is shown no count below a least one; empty for one who sees exact counts. */
export function hiddenText(least: number): string {
  if (least === 1) return ''
  const [fewest, most] = [least, least - 1].map((count) => number.format(count))
  return `Cells with fewer than ${fewest} drivers are hidden; counts are rounded down, by up to ${most}.`
}

/** @param precision of the cells that are shown; null while there are none */
export function drawLegend(ramp: Ramp, scale: Scale, precision: number | null, lat: number): void {
  write(part('cell-size'), precision === null ? '' : `cells of ~${cellSizeText(precision, lat)}`)
  document.body.dataset['precision'] = `${precision ?? ''}`
  const hidden = hiddenText(scale.least)
  write(part('hidden-cells'), hidden)
  part('hidden-cells').hidden = hidden === ''
  write(part('cells-look'), hidden === '' ? 'Exact cells' : 'Cells')
  part('ramp').style.background = gradientOf(ramp)
  part('ticks').replaceChildren(
    ...ticksOf(scale).map(({ count, at }) => {
      const tick = document.createElement('li')
      tick.textContent = `${number.format(count)}${at === 1 ? '+' : ''}`
      tick.style.left = `${at * 100}%`
      // The labels of both ends stay within the ramp.
      tick.style.transform = `translateX(${at * -100}%)`
      return tick
    }),
  )
}
