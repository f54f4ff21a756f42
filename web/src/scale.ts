/**
 * Which count gets which colour: logarithmic, since a few cells hold many drivers and most hold one. A scale goes from
 * 1 to `top`, which stands for "that many or more"; equal steps of the ramp are equal factors.
 */

/** Squares, so that the middle of the ramp is a whole number as well. */
const TOPS = [4, 9, 16, 36, 81, 256, 625, 1296, 2401, 4096, 10_000] as const
export const LEAST_TOP = TOPS[0]
/** Two cells in a hundred may exceed the scale: a depot must not make the rest of the city look empty. */
const SHARE_WITHIN = 0.98

/** The top that these counts need; it sinks only when far too high, so that colours do not flicker. */
export function topFor(counts: Iterable<number>, before: number = LEAST_TOP): number {
  const sorted = Uint32Array.from(counts).sort()
  const peak = sorted[Math.floor(sorted.length * SHARE_WITHIN)] ?? 1
  const needed = TOPS.findIndex((top) => top >= peak)
  const now = needed < 0 ? TOPS.length - 1 : needed
  const then = TOPS.findIndex((top) => top === before)
  return now > then || now < then - 1 ? (TOPS[now] ?? LEAST_TOP) : before
}

export interface Tick {
  readonly count: number
  /** Where on the ramp, from 0 to 1. */
  readonly at: number
}

/** The counts to be written below the ramp, both ends included: those quarters of it that are whole numbers. */
export function ticksOf(top: number): Tick[] {
  const quarters = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, count: top ** at }))
  const isWhole = ({ count }: Tick): boolean => Math.abs(count - Math.round(count)) < 1e-6
  return quarters.filter(isWhole).map(({ at, count }) => ({ at, count: Math.round(count) }))
}
