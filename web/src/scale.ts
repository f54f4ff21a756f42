/**
 * Which count gets which colour: logarithmic, since a few cells hold many drivers and most hold few. Equal steps of the
 * ramp are equal factors.
 */

export interface Scale {
  /** The least count that there is to see: 1, or more where cells of fewer drivers are hidden. */
  readonly least: number
  /** Stands for "that many or more". */
  readonly top: number
}

/** Tops over leasts. Squares, so that the middle of the ramp is a whole number as well. */
const SPANS = [4, 9, 16, 36, 81, 256, 625, 1296, 2401, 4096, 10_000] as const
/** Two cells in a hundred may exceed the scale: a depot must not make the rest of the city look empty. */
const SHARE_WITHIN = 0.98

export const shortestScale = (least: number): Scale => ({ least, top: least * SPANS[0] })

/** The scale that these counts need; its top sinks only when far too high, so that colours do not flicker. */
export function scaleFor(counts: Iterable<number>, before: Scale): Scale {
  const { least, top } = before
  const sorted = Uint32Array.from(counts).sort()
  const peak = sorted[Math.floor(sorted.length * SHARE_WITHIN)] ?? 1
  const needed = SPANS.findIndex((span) => span * least >= peak)
  const now = needed < 0 ? SPANS.length - 1 : needed
  const then = SPANS.findIndex((span) => span * least === top)
  return now > then || now < then - 1 ? { least, top: least * (SPANS[now] ?? SPANS[0]) } : before
}

export interface Tick {
  readonly count: number
  /** Where on the ramp, from 0 to 1. */
  readonly at: number
}

/** The counts to be written below the ramp, both ends included: those quarters of it that are whole numbers. */
export function ticksOf({ least, top }: Scale): Tick[] {
  const quarters = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, count: least * (top / least) ** at }))
  const isWhole = ({ count }: Tick): boolean => Math.abs(count - Math.round(count)) < 1e-6
  return quarters.filter(isWhole).map(({ at, count }) => ({ at, count: Math.round(count) }))
}
