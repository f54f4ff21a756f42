export interface Delays {
  /** No delay is shorter, in milliseconds. */
  least: number
  /** The longest that the first may be; each further one up to twice as long … */
  first: number
  /** … until this. */
  longest: number
}

/** Ever longer delays. All but the least is random, so that clients cut off together do not come back together. */
export class Backoff {
  private failures = 0
  private readonly delays: Delays
  private readonly random: () => number

  constructor(delays: Delays, random: () => number) {
    this.delays = delays
    this.random = random
  }

  next(): number {
    const { least, first, longest } = this.delays
    const most = Math.min(longest, first * 2 ** this.failures)
    this.failures += 1
    return least + this.random() * (most - least)
  }

  reset(): void {
    this.failures = 0
  }
}
