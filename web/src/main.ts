/** Wires the page: the URL and the token, the feed, the panel, the map. */

import { loadConfig, type City, type Config } from './config'
import type { Socket } from './connection'
import { Feed } from './feed'
import type { FleetMap } from './map'
import { askForToken, Panel } from './panel'
import { levelsFor } from './scale'
import { cellCount, cellsOf, type Field } from './state'
import { currentTheme, onThemeChange } from './theme'
import { isExpired, storedToken, storeToken } from './token'
import { formatHash, parseHash, type View } from './view'

class Page {
  private view: View
  private city: City
  private field: Field | null = null
  private levels = 3
  private map: FleetMap | undefined
  private readonly panel = new Panel((name) => this.choose(name))
  private readonly feed: Feed
  private readonly config: Config
  private readonly token: string

  constructor(config: Config, token: string, view: View) {
    this.config = config
    this.token = token
    this.view = view
    this.city = this.cityNamed(view.city)
    this.panel.setCities(config.cities, this.city.name)
    this.feed = new Feed(this.city.name, this.precision(), () => this.openSocket(), {
      onLink: (link) => {
        this.panel.setLink(link)
        if (link === 'connected') this.panel.setNotice('')
        if (link === 'offline') this.panel.setNotice(this.whyOffline())
      },
      onField: (field) => this.show(field),
      onNews: (news) => this.panel.setNews(news),
      onRefusal: ({ code, message }) => this.panel.setNotice(`The server says: ${message || code}`),
    })
  }

  start(): void {
    this.feed.start()
    this.drawLegend()
    onThemeChange(() => this.drawLegend())
    window.addEventListener('online', () => this.feed.retryNow())
    window.addEventListener('hashchange', () => this.follow(location.hash))
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.feed.retryNow()
    })
    void this.openMap()
  }

  private async openMap(): Promise<void> {
    // Building the map keeps the page busy; what is already known should be seen before.
    const [{ createMap }] = await Promise.all([import('./map'), firstPaint()])
    const container = document.getElementById('map') as HTMLElement
    this.map = await createMap(container, this.city, this.view, (at) => this.remember(at))
    this.draw()
    document.body.dataset['map'] = 'ready'
  }

  private openSocket(): Socket {
    return new WebSocket(`${this.config.websocket_url}?token=${encodeURIComponent(this.token)}`)
  }

  private precision(): number {
    return Math.max(...this.config.precisions)
  }

  private cityNamed(name: string | undefined): City {
    return this.config.cities.find((city) => city.name === name) ?? this.config.cities[0]
  }

  private choose(name: string, at: View = {}): void {
    this.city = this.cityNamed(name)
    this.panel.setCity(this.city.name)
    this.feed.watch(this.city.name, this.precision())
    this.map?.showCity(this.city, at)
    this.remember(at)
  }

  /** Someone edited the URL or followed a link to another view of this page. */
  private follow(hash: string): void {
    const { view, token } = parseHash(hash)
    if (token) {
      takeToken(token, view)
      location.reload()
    } else if (view.city && view.city !== this.city.name) {
      this.choose(view.city, view)
    } else {
      this.map?.showCity(this.city, view)
      this.draw()
    }
  }

  private remember(at: View): void {
    this.view = { city: this.city.name, ...at }
    history.replaceState(null, '', formatHash(this.view))
  }

  private show(field: Field): void {
    this.field = field
    this.panel.setCounts(field.epoch === null ? null : field.drivers, cellCount(field), field.rev)
    this.draw()
  }

  private draw(): void {
    if (!this.field) return
    const cells = [...cellsOf(this.field)]
    const levels = levelsFor(cells.map(([, count]) => count), this.levels)
    if (levels !== this.levels) {
      this.levels = levels
      this.drawLegend()
    }
    this.map?.setCells(cells, levels)
  }

  private drawLegend(): void {
    this.panel.setLegend(this.levels, this.precision(), currentTheme().ramp)
  }

  private whyOffline(): string {
    if (isExpired(this.token)) return 'The token has expired. Reload the page to enter a new one.'
    return 'The server cannot be reached, or refuses the token.'
  }
}

const firstPaint = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))

/** Keeps a token and takes it out of the URL, which people copy and browsers remember. */
function takeToken(token: string, view: View): void {
  storeToken(token)
  history.replaceState(null, '', formatHash(view))
}

async function usableToken(known: string | null, view: View): Promise<string> {
  if (known && !isExpired(known)) return known
  const entered = await askForToken(known ? 'Your token has expired.' : 'The live map needs a viewer’s token.')
  takeToken(entered, view)
  return entered
}

async function run(): Promise<void> {
  const { view, token } = parseHash(location.hash)
  if (token) takeToken(token, view)
  const config = await loadConfig()
  new Page(config, await usableToken(token ?? storedToken(), view), view).start()
}

run().catch((error: unknown) => {
  const notice = document.getElementById('notice') as HTMLElement
  notice.hidden = false
  notice.textContent = error instanceof Error ? error.message : String(error)
  document.body.dataset['connection'] = 'failed'
})
