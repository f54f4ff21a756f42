/**
 * What is known of one viewport, and how frames change it: pure, so that every order of arrival can be tested.
 *
 * Each frame names the revision on which it builds. One that builds on a later revision than ours reveals that
 * something was missed; it is kept until the answer to what we then ask is in. Frames may come twice, late or out of
 * order.
 */

import type { Counts, Frame } from './frame.js'
import type { Since } from './protocol.js'

export interface State {
  /** Null until the first snapshot is complete. */
  readonly epoch: string | null
  readonly rev: number
  /** The cells that hold drivers; never 0. */
  readonly cells: Counts
  /** Live drivers in the whole city. */
  readonly drivers: number
  readonly asOf: string | null
  readonly lagMs: number | null
  /** How many frames were applied, and how often one was found missing. */
  readonly frames: number
  readonly gaps: number
  /** The parts that have come of frames that are not complete. */
  readonly parts: readonly Frame[]
  /** What cannot be applied before something else has come. */
  readonly waiting: readonly Frame[]
}

export const UNKNOWN: State = {
  epoch: null,
  rev: 0,
  cells: new Map(),
  drivers: 0,
  asOf: null,
  lagMs: null,
  frames: 0,
  gaps: 0,
  parts: [],
  waiting: [],
}

// Who waits for an answer longer than this many deltas (minutes) is better served by another resume.
const MOST_WAITING = 64
// A frame has at most 1,024; this leaves room for two that come mixed.
const MOST_PARTS = 2_048

/** Whether nothing is known to be missing. */
export const isInStep = (state: State): boolean => state.epoch !== null && state.waiting.length === 0

/** From where to resume, or null where only a snapshot can help. */
export function sinceOf({ epoch, rev, waiting }: State): Since | null {
  return epoch === null || waiting.some((frame) => frame.epoch !== epoch) ? null : { epoch, rev }
}

/** The state of which only a snapshot can tell the next; the cells are shown until then. */
export const forget = (state: State): State => ({ ...state, epoch: null, rev: 0, parts: [], waiting: [] })

export function apply(state: State, frame: Frame): State {
  if (frame.parts === 1) return take(state, frame)
  const { parts, whole } = collect(state.parts, frame)
  const next = { ...state, parts }
  return whole ? take(next, whole) : next
}

/** Adds a part to those that have come; `whole` once it was the last one of its frame. */
function collect(parts: readonly Frame[], frame: Frame): { parts: readonly Frame[]; whole: Frame | null } {
  const others = parts.filter((part) => !isSameFrame(part, frame))
  const ours = parts.filter((part) => isSameFrame(part, frame) && part.part !== frame.part)
  ours.push(frame)
  if (ours.length < frame.parts) return { parts: [...others, ...ours].slice(-MOST_PARTS), whole: null }
  return {
    parts: others,
    whole: { ...frame, part: 1, parts: 1, cells: new Map(ours.flatMap(({ cells }) => [...cells])) },
  }
}

// A frame that is sent again at another moment may be split elsewhere: parts of the two must not be mixed.
const isSameFrame = (a: Frame, b: Frame): boolean =>
  a.type === b.type &&
  a.epoch === b.epoch &&
  a.prev === b.prev &&
  a.rev === b.rev &&
  a.asOf === b.asOf &&
  a.parts === b.parts

function take(state: State, frame: Frame): State {
  if (frame.type === 'snapshot') return takeSnapshot(state, frame)
  if (frame.epoch !== state.epoch) return wait(state, frame)
  if (frame.rev <= state.rev) return frame.rev === state.rev ? freshened(state, frame) : state
  if (frame.prev > state.rev) return wait(missed(state), frame)
  return replay(advanced(state, frame))
}

function takeSnapshot(state: State, frame: Frame): State {
  if (frame.epoch === state.epoch && frame.rev < state.rev) return state
  const cells = new Map<string, number>()
  for (const [cell, count] of frame.cells) if (count > 0) cells.set(cell, count)
  const waiting = state.waiting.filter(({ epoch }) => epoch === frame.epoch)
  return replay({ ...state, ...momentOf(frame), cells, frames: state.frames + 1, waiting })
}

/** The state at a delta that builds on it. */
function advanced(state: State, frame: Frame): State {
  const next = { ...state, ...momentOf(frame), frames: state.frames + (frame.type === 'delta' ? 1 : 0) }
  if (frame.cells.size === 0) return next
  const cells = new Map(state.cells)
  for (const [cell, count] of frame.cells) {
    if (count > 0) cells.set(cell, count)
    else cells.delete(cell)
  }
  return { ...next, cells }
}

/** A quiet city stays at its revision, but is known to have done so until later. */
function freshened(state: State, frame: Frame): State {
  return state.asOf !== null && frame.asOf > state.asOf ? { ...state, ...momentOf(frame) } : state
}

const momentOf = ({ epoch, rev, drivers, asOf, lagMs }: Frame) => ({ epoch, rev, drivers, asOf, lagMs })

const wait = (state: State, frame: Frame): State => ({
  ...state,
  waiting: [...state.waiting, frame].slice(-MOST_WAITING),
})

/** One gap is counted once, however much comes after it. */
const missed = (state: State): State => (state.waiting.length > 0 ? state : { ...state, gaps: state.gaps + 1 })

/** Applies what waited for this state, and forgets what it has passed by. */
function replay(state: State): State {
  const ours = state.waiting.filter(({ epoch }) => epoch === state.epoch).sort((a, b) => a.rev - b.rev)
  let next = state
  for (const frame of ours) if (frame.rev > next.rev && frame.prev <= next.rev) next = advanced(next, frame)
  return {
    ...next,
    waiting: next.waiting.filter(({ epoch, rev }) => epoch !== next.epoch || rev > next.rev),
    parts: next.parts.filter(({ epoch, rev }) => epoch !== next.epoch || rev > next.rev),
  }
}
