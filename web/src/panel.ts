/** The panel: the city, the live drivers, the state of the feed. */

import type { City } from './config'
import { number, part, write } from './dom'
import { agoText, durationText, type Health } from './health'
import { bytesText } from './rate'

const WORDS: Record<Health, string> = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Stale: the server has fallen silent',
  reconnecting: 'Reconnecting',
  offline: 'Offline: no network',
  refused: 'Signed out',
}

/** A lag beyond this is worth a look: pings are not being applied, or nobody sends any. */
const LONG_LAG_MS = 10_000

export interface Counts {
  /** Live drivers in the whole city; null while nothing is known. */
  readonly drivers: number | null
  /** Drivers in the cells that are seen. */
  readonly inView: number
  /** The least count, other than 0, that is told. */
  readonly least: number
  readonly cells: number
  readonly rev: number
}

export interface Vitals {
  readonly health: Health
  readonly isStale: boolean
  /** Since the last frame or heartbeat; null before the first. */
  readonly ageMs: number | null
  readonly lagMs: number | null
  /** Until the next attempt to connect; null if none is waited for. */
  readonly retryInMs: number | null
  readonly bytesPerMinute: number
}

export class Panel {
  private readonly city = part<HTMLSelectElement>('city')
  private readonly notice = part('notice')

  constructor(onCity: (name: string) => void, onWhole: () => void) {
    this.city.addEventListener('change', () => onCity(this.city.value))
    part('whole').addEventListener('click', onWhole)
  }

  setCities(cities: readonly City[], chosen: string): void {
    this.city.replaceChildren(...cities.map(({ name, title }) => new Option(title, name, false, name === chosen)))
    this.city.disabled = false
    this.setCity(chosen)
  }

  setCity(name: string): void {
    this.city.value = name
    document.body.dataset['city'] = name
    document.title = `${this.title()} · Fleetglow`
  }

  setCounts({ drivers, inView, least, cells, rev }: Counts): void {
    const told = { drivers: drivers ?? '', inView: drivers === null ? '' : inView, least, cells, rev }
    Object.assign(document.body.dataset, told)
    const isEmpty = drivers === 0
    const none = least === 1 ? 'No drivers' : `Fewer than ${number.format(least)} drivers`
    write(part('drivers'), drivers === null ? '–' : isEmpty ? none : number.format(drivers))
    write(part('drivers-unit'), isEmpty ? `in ${this.title()} right now` : `live driver${drivers === 1 ? '' : 's'}`)
    write(part('in-view-unit'), least === 1 ? 'in view' : 'shown in view')
    part('drivers').classList.toggle('words', isEmpty)
    write(part('in-view'), drivers === null ? '–' : number.format(inView))
    part('in-view').parentElement?.toggleAttribute('hidden', isEmpty)
  }

  setVitals({ health, isStale, ageMs, lagMs, retryInMs, bytesPerMinute }: Vitals): void {
    const { dataset } = document.body
    dataset['connection'] = health === 'live' || health === 'stale' ? 'connected' : health
    dataset['stale'] = `${isStale}`
    dataset['frameAge'] = ageMs === null ? '' : `${Math.floor(ageMs / 1000)}`
    // Only this line is a live region: what ticks each second would never let a screen reader finish.
    write(part('link'), WORDS[health])
    const isWaiting = retryInMs !== null && (health === 'reconnecting' || health === 'connecting')
    write(part('countdown'), isWaiting ? `in ${Math.max(1, Math.ceil(retryInMs / 1000))} s` : '')
    write(part('age'), ageMs === null ? '–' : agoText(ageMs))
    write(part('lag'), lagMs === null ? '–' : durationText(lagMs))
    part('lag').classList.toggle('warn', (lagMs ?? 0) > LONG_LAG_MS)
    write(part('traffic'), `${bytesText(bytesPerMinute)}/min`)
  }

  /** One line about what is wrong; empty when nothing is. */
  setNotice(text: string): void {
    write(this.notice, text)
    this.notice.hidden = text === ''
  }

  private title(): string {
    return this.city.selectedOptions[0]?.text ?? this.city.value
  }
}
