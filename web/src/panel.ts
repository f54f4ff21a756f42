/** What stands beside the map: the city, the live drivers, how fresh they are, the connection, the legend. */

import type { City } from './config'
import type { Link } from './connection'
import type { News } from './feed'
import { sizeOf } from './geohash'
import { ticksOf } from './scale'
import type { Ramp } from './theme'

/** News older than this is told as stale: at least three ticks of the server were missed. */
const STALE_S = 10
/** After a heartbeat nothing need come for 15 s, since nothing changed. */
const STALE_AFTER_HEARTBEAT_S = 20
const KM_PER_DEGREE = 111.32

const LINKS: Record<Link, string> = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  offline: 'Offline, still trying',
}

const number = new Intl.NumberFormat('en')

function part<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id)
  if (!element) throw new Error(`index.html: expected an element with the id ${id}`)
  return element as T
}

export class Panel {
  private readonly city = part<HTMLSelectElement>('city')
  private readonly drivers = part('drivers')
  private readonly link = part('link')
  private readonly age = part('age')
  private readonly freshness = part('freshness')
  private readonly notice = part('notice')
  private readonly legend = part('legend')
  private news: News | null = null

  constructor(onCity: (name: string) => void) {
    this.city.addEventListener('change', () => onCity(this.city.value))
    setInterval(() => this.tick(), 1000)
  }

  setCities(cities: readonly City[], chosen: string): void {
    this.city.replaceChildren(...cities.map(({ name, title }) => new Option(title, name, false, name === chosen)))
    this.city.disabled = false
    this.setCity(chosen)
  }

  setCity(name: string): void {
    this.city.value = name
    document.body.dataset['city'] = name
    document.title = `${this.city.selectedOptions[0]?.text ?? name} · Fleetglow`
    this.news = null
    this.tick()
  }

  setLink(link: Link): void {
    document.body.dataset['connection'] = link
    this.link.textContent = LINKS[link]
  }

  /** The live drivers of the city; null while nothing is known. */
  setCounts(drivers: number | null, cells: number, rev: number): void {
    Object.assign(document.body.dataset, { drivers: drivers ?? '', cells, rev })
    this.drivers.textContent = drivers === null ? '–' : number.format(drivers)
  }

  setNews(news: News): void {
    this.news = news
    this.tick()
  }

  /** One line about what is wrong; empty when nothing is. */
  setNotice(text: string): void {
    this.notice.textContent = text
    this.notice.hidden = text === ''
  }

  setLegend(levels: number, precision: number, ramp: Ramp): void {
    const metres = Math.round((sizeOf(precision).lat * KM_PER_DEGREE * 1000) / 10) * 10
    const size = metres < 1000 ? `${metres} m` : `${(metres / 1000).toFixed(1)} km`
    part('cell-size').textContent = `Drivers per ${size} cell`
    const stops = ramp.map((color, i) => `rgb(${color.join(' ')}) ${i * 25}%`)
    part('ramp').style.background = `linear-gradient(to right, ${stops.join(', ')})`
    const ticks = ticksOf(levels)
    part('ticks').replaceChildren(
      ...ticks.map((count, i) => {
        const tick = document.createElement('span')
        tick.textContent = i === ticks.length - 1 ? `${count}+` : `${count}`
        tick.style.left = `${((i + 1) / levels) * 100}%`
        return tick
      }),
    )
    this.legend.hidden = false
  }

  private tick(): void {
    const { news } = this
    const seconds = news ? Math.floor((performance.now() - news.receivedAt + news.lagMs) / 1000) : null
    const limit = news?.type === 'heartbeat' ? STALE_AFTER_HEARTBEAT_S : STALE_S
    const isStale = seconds !== null && seconds >= limit
    document.body.dataset['frameAge'] = `${seconds ?? ''}`
    document.body.dataset['stale'] = `${isStale}`
    this.age.textContent = seconds === null ? 'Waiting for the first frame' : `Updated ${ago(seconds)}`
    // A live region that changed each second would never let a screen reader finish: it hears of the change only.
    const text = isStale ? 'Stale' : ''
    if (this.freshness.textContent !== text) this.freshness.textContent = text
  }
}

function ago(seconds: number): string {
  if (seconds < 1) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`
}

/** Asks for a token; resolves with what was entered. */
export function askForToken(why: string): Promise<string> {
  const dialog = part<HTMLDialogElement>('ask')
  const input = part<HTMLInputElement>('token')
  part('why').textContent = why
  dialog.showModal()
  return new Promise((resolve) => {
    // A dialog's Escape would leave a page that shows nothing.
    dialog.addEventListener('cancel', (event) => event.preventDefault())
    part<HTMLFormElement>('ask-form').addEventListener('submit', () => resolve(input.value.trim()), { once: true })
  })
}
