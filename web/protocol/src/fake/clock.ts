import type { Clock } from '../clock.js'

interface Timer {
  at: number
  run: () => void
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  private time = 0
  private readonly timers = new Set<Timer>()

  now(): number {
    return this.time
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = { at: this.time + Math.max(0, ms), run }
    this.timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.timers.delete(timer as Timer)
  }

  /** Lets time pass, and runs what becomes due in its order, each with what follows from it at once. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms
    await turn()
    for (let next = this.nextUntil(end); next; next = this.nextUntil(end)) {
      this.timers.delete(next)
      this.time = Math.max(this.time, next.at)
      next.run()
      await turn()
    }
    this.time = end
  }

  private nextUntil(end: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
  }
}

/** Lets all that is due at once happen: promises that follow from each other. A real timer would take a millisecond. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
