/**
 * Which count gets which colour: logarithmic, since a few cells hold many drivers and most hold one. With `levels` n the
 * counts 1, 3, 7 … 2^n - 1 lie at equal steps of the ramp, and the last colour stands for "that many or more".
 */

const FEWEST_LEVELS = 3
const MOST_LEVELS = 8
/** One cell in two hundred may exceed the scale: a depot must not make the rest of the city look empty. */
const SHARE_WITHIN = 0.995

/** How many levels these counts need; it sinks only when far too high, so that colours do not flicker. */
export function levelsFor(counts: Iterable<number>, before: number): number {
  const sorted = Uint32Array.from(counts).sort()
  const peak = sorted[Math.floor(sorted.length * SHARE_WITHIN)] ?? 1
  const needed = Math.min(MOST_LEVELS, Math.max(FEWEST_LEVELS, Math.ceil(Math.log2(1 + peak))))
  return needed > before || needed < before - 1 ? needed : before
}

/** The counts at equal steps of the ramp. */
export const ticksOf = (levels: number): number[] => Array.from({ length: levels }, (_, i) => 2 ** (i + 1) - 1)
