import { expect, test } from 'vitest'
import type { Frame } from '../src/frame.js'
import { apply, forget, isInStep, sinceOf, UNKNOWN, type State } from '../src/state.js'
import { seeded } from './support.js'

function frame(fields: Partial<Omit<Frame, 'cells'>>, cells: Record<string, number> = {}): Frame {
  return {
    type: 'delta',
    subscription: 'lagos/7/s14mh-s14mu',
    epoch: 'e1',
    prev: 0,
    rev: 0,
    asOf: '2026-01-31T12:00:00.000Z',
    lagMs: 40,
    drivers: 9,
    part: 1,
    parts: 1,
    cells: new Map(Object.entries(cells)),
    ...fields,
  }
}

const snapshot = (rev: number, cells: Record<string, number>, epoch = 'e1') =>
  frame({ type: 'snapshot', rev, epoch }, cells)
const delta = (prev: number, rev: number, cells: Record<string, number>, epoch = 'e1') =>
  frame({ prev, rev, epoch }, cells)
const heartbeat = (prev: number, rev: number, fields: Partial<Frame> = {}) =>
  frame({ type: 'heartbeat', prev, rev, ...fields })
const after = (...frames: Frame[]): State => frames.reduce(apply, UNKNOWN)
const cellsOf = ({ cells }: State) => Object.fromEntries(cells)

test('a snapshot is shown without its empty cells', () => {
  const state = after(snapshot(10, { s14mk2x: 3, s14mk31: 0 }))
  expect(cellsOf(state)).toEqual({ s14mk2x: 3 })
  expect(state).toMatchObject({ epoch: 'e1', rev: 10, drivers: 9, lagMs: 40, frames: 1, gaps: 0 })
})

test('a delta sets its cells, and a zero empties one', () => {
  const state = after(snapshot(10, { s14mk2x: 3, s14mk31: 1 }), delta(10, 12, { s14mk2x: 4, s14mk31: 0 }))
  expect(cellsOf(state)).toEqual({ s14mk2x: 4 })
  expect(state).toMatchObject({ rev: 12, frames: 2 })
})

test('what was handed out is not changed by what comes later', () => {
  const before = after(snapshot(10, { s14mk2x: 3 }))
  apply(before, delta(10, 12, { s14mk2x: 4 }))
  expect(cellsOf(before)).toEqual({ s14mk2x: 3 })
})

test('a heartbeat brings the number of live drivers, and leaves the cells the same object', () => {
  const before = after(snapshot(10, { s14mk2x: 3 }))
  const state = apply(before, heartbeat(10, 15, { drivers: 77 }))
  expect(state).toMatchObject({ rev: 15, drivers: 77, frames: 1 })
  expect(state.cells).toBe(before.cells)
})

test('a heartbeat of a quiet city tells that it still is as it was', () => {
  const state = after(snapshot(10, {}), heartbeat(10, 10, { asOf: '2026-01-31T12:00:15.000Z', lagMs: 15_000 }))
  expect(state).toMatchObject({ rev: 10, asOf: '2026-01-31T12:00:15.000Z', lagMs: 15_000 })
})

test('a delta from the past changes nothing', () => {
  const before = after(snapshot(10, { s14mk2x: 3 }))
  expect(apply(before, delta(8, 10, { s14mk2x: 2 }))).toBe(before)
  expect(apply(before, delta(7, 8, { s14mk2x: 1 }))).toBe(before)
})

test('a delta from the past changes nothing even if it was read later', () => {
  const before = after(snapshot(10, { s14mk2x: 3 }))
  expect(apply(before, { ...delta(7, 8, {}), asOf: '2026-01-31T12:00:09.000Z' })).toBe(before)
})

test('a delta that builds on less than we have is applied', () => {
  expect(cellsOf(after(snapshot(11, { s14mk2x: 3 }), delta(10, 12, { s14mk2x: 4 })))).toEqual({ s14mk2x: 4 })
})

test('a delta that builds on more than we have waits, and is applied when what is missing has come', () => {
  const behind = after(snapshot(10, { s14mk2x: 3 }), delta(12, 14, { s14mk2x: 5 }))
  expect(cellsOf(behind)).toEqual({ s14mk2x: 3 })
  expect(isInStep(behind)).toBe(false)
  expect(sinceOf(behind)).toEqual({ epoch: 'e1', rev: 10 })
  const state = apply(behind, delta(10, 12, { s14mk2x: 4, s14mk31: 1 }))
  expect(cellsOf(state)).toEqual({ s14mk2x: 5, s14mk31: 1 })
  expect(isInStep(state)).toBe(true)
})

test('a heartbeat reveals that the last delta was lost', () => {
  const state = after(snapshot(10, {}), heartbeat(12, 20))
  expect(state).toMatchObject({ rev: 10, gaps: 1 })
  expect(isInStep(state)).toBe(false)
})

test('one gap is counted once, however much comes after it', () => {
  expect(after(snapshot(10, {}), delta(12, 14, {}), delta(14, 16, {}), heartbeat(16, 20))).toMatchObject({ gaps: 1 })
})

test('what comes before the first snapshot waits for it', () => {
  const waiting = after(delta(10, 12, { s14mk2x: 5 }))
  expect(sinceOf(waiting)).toBeNull()
  expect(cellsOf(apply(waiting, snapshot(10, { s14mk2x: 3 })))).toEqual({ s14mk2x: 5 })
  expect(cellsOf(apply(waiting, snapshot(13, { s14mk2x: 7 })))).toEqual({ s14mk2x: 7 })
})

test('an older snapshot of the same epoch is ignored', () => {
  const before = after(snapshot(10, { s14mk2x: 3 }))
  expect(apply(before, snapshot(9, { s14mk2x: 2 }))).toBe(before)
})

test('another epoch can only be begun with a snapshot', () => {
  const old = after(snapshot(100, { s14mk2x: 3 }), delta(1, 3, { s14mk31: 2 }, 'e2'))
  expect(cellsOf(old)).toEqual({ s14mk2x: 3 })
  expect(sinceOf(old)).toBeNull()
  const state = apply(old, snapshot(2, { s14mk2x: 1 }, 'e2'))
  expect(cellsOf(state)).toEqual({ s14mk2x: 1, s14mk31: 2 })
  expect(state).toMatchObject({ epoch: 'e2', rev: 3, gaps: 0 })
})

test('what came of another epoch is let go when a snapshot tells that ours goes on', () => {
  const doubting = after(snapshot(100, { s14mk2x: 3 }), delta(1, 3, { s14mk31: 2 }, 'e0'))
  const state = apply(doubting, snapshot(101, { s14mk2x: 4 }))
  expect(isInStep(state)).toBe(true)
  expect(sinceOf(state)).toEqual({ epoch: 'e1', rev: 101 })
})

test('what is forgotten is still shown until a snapshot comes', () => {
  const state = forget(after(snapshot(100, { s14mk2x: 3 })))
  expect(cellsOf(state)).toEqual({ s14mk2x: 3 })
  expect(sinceOf(state)).toBeNull()
  expect(cellsOf(apply(state, snapshot(7, { s14mk31: 1 })))).toEqual({ s14mk31: 1 })
})

test('parts only count together, in whatever order they come', () => {
  const parts = [1, 2, 3].map((part) =>
    frame({ type: 'snapshot', rev: 10, part, parts: 3 }, { [`s14mk2${part}`]: part }),
  )
  const [one, two, three] = parts as [Frame, Frame, Frame]
  expect(after(three, one, three)).toMatchObject({ epoch: null, frames: 0 })
  const state = after(three, one, three, two)
  expect(cellsOf(state)).toEqual({ s14mk21: 1, s14mk22: 2, s14mk23: 3 })
  expect(state).toMatchObject({ frames: 1, parts: [] })
})

test('parts of a frame that is sent again are not mixed with those of the first', () => {
  const first = frame({ type: 'snapshot', rev: 10, part: 1, parts: 2 }, { s14mk2x: 1 })
  const again = frame(
    { type: 'snapshot', rev: 10, part: 2, parts: 2, asOf: '2026-01-31T12:00:01.000Z' },
    { s14mk31: 1 },
  )
  expect(after(first, again).epoch).toBeNull()
})

test('parts of different frames are not mixed', () => {
  const one = frame({ rev: 12, prev: 0, part: 1, parts: 2 }, { s14mk2x: 1 })
  const others: Partial<Frame>[] = [{ type: 'snapshot' }, { prev: 10 }, { rev: 13 }, { epoch: 'e0' }, { parts: 3 }]
  for (const other of others) {
    const state = after(snapshot(10, {}), one, { ...one, part: 2, ...other })
    expect(state).toMatchObject({ rev: 10, frames: 1 })
  }
})

test('what is kept of frames that never become whole is bounded', () => {
  const part = (rev: number) => frame({ prev: rev - 1, rev, part: 1, parts: 2 })
  let state = after(snapshot(10, {}))
  for (let rev = 20; rev < 5_000; rev++) state = apply(state, part(rev))
  expect(state.parts.length).toBeLessThanOrEqual(2_048)
  for (let rev = 20; rev < 500; rev++) state = apply(state, delta(rev, rev + 1, {}))
  expect(state.waiting.length).toBeLessThanOrEqual(64)
})

test('parts that have been overtaken are let go', () => {
  const state = after(snapshot(10, {}), frame({ prev: 10, rev: 12, part: 1, parts: 2 }), delta(10, 14, {}))
  expect(state.parts).toEqual([])
})

/** A city's history, and every frame that could be sent of it. */
function history(random: () => number) {
  const truth = new Map<string, Record<string, number>>()
  const frames: Frame[] = []
  const below = (n: number) => Math.floor(random() * n)
  for (const epoch of ['e1', 'e2']) {
    const cells: Record<string, number> = {}
    const changedAt: Record<string, number> = {}
    for (let rev = 1; rev <= 12; rev++) {
      for (let i = below(3); i > 0; i--) {
        const cell = `s14mk2${below(6)}`
        cells[cell] = below(3)
        changedAt[cell] = rev
      }
      truth.set(`${epoch} ${rev}`, Object.fromEntries(Object.entries(cells).filter(([, count]) => count > 0)))
      const prev = below(rev)
      // Also what has changed back: who is between the two revisions has to hear of it.
      const changed = Object.entries(cells).filter(([cell]) => (changedAt[cell] ?? 0) > prev)
      frames.push(...inParts(delta(prev, rev, Object.fromEntries(changed), epoch), below(3) + 1))
      if (random() < 0.3) frames.push(...inParts(snapshot(rev, { ...cells }, epoch), below(3) + 1))
    }
  }
  return { truth, frames }
}

function inParts(whole: Frame, parts: number): Frame[] {
  const cells = [...whole.cells]
  return Array.from({ length: parts }, (_, i) => ({
    ...whole,
    part: i + 1,
    parts,
    cells: new Map(cells.filter((__, j) => j % parts === i)),
  }))
}

test('whatever is lost, doubled or shuffled, what is shown is the truth at the revision that is told', () => {
  let reached = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed)
    const { truth, frames } = history(random)
    const delivered = frames.filter(() => random() > 0.15).flatMap((each) => (random() > 0.8 ? [each, each] : [each]))
    // Not too far from its place, as networks do; and now and then far.
    const reach = seed % 4 === 0 ? delivered.length : 4
    const ordered = delivered
      .map((each, i) => ({ each, at: i + random() * reach }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each)
    let state = UNKNOWN
    for (const each of ordered) {
      state = apply(state, each)
      if (state.epoch === null) continue
      reached += 1
      expect(cellsOf(state), `seed ${seed}`).toEqual(truth.get(`${state.epoch} ${state.rev}`))
    }
  }
  expect(reached).toBeGreaterThan(5_000)
})
