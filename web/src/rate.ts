/** How much came in during the last minute: of a counter that only grows, looked at about once a second. */

const WINDOW_MS = 60_000

export class LastMinute {
  private samples: { at: number; total: number }[] = []

  /** What the counter grew by in the minute before `at` (milliseconds, of any clock that only goes forward). */
  add(at: number, total: number): number {
    this.samples.push({ at, total })
    // One sample from before the window stays: it is what the counter stood at when the window began.
    while ((this.samples[1]?.at ?? Infinity) <= at - WINDOW_MS) this.samples.shift()
    return total - (this.samples[0]?.total ?? total)
  }
}

/** A number of bytes for people. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
