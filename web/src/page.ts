/** The page: what one looks at and how, kept together by the URL, the feed, the panel and the map. */

import { HeatmapClient, type HeatView, type Hello, type Link, type Refusal } from 'fleetglow-protocol'
import { cameraOver, visibleBox, type Camera, type Padding, type Size } from './camera'
import type { City, Config } from './config'
import { Controls } from './controls'
import { Cursor } from './cursor'
import { part } from './dom'
import type { Drawing } from './glow'
import { driversIn } from './inview'
import { drawLegend } from './legend'
import { MapKeeper } from './map-keeper'
import { PALETTES } from './palettes'
import { Panel } from './panel'
import { leastCellPx } from './precision'
import { scaleFor, shortestScale, type Scale } from './scale'
import { NO_TILES, storeSettings, type Settings } from './settings'
import { schemeOf, onSchemeChange, setTheme } from './theme'
import { storeToken } from './token'
import { TokenKeeper } from './token-keeper'
import { formatHash, parseHash, type View } from './view'
import { VitalSigns } from './vital-signs'
import { Watching } from './watching'

const LACKS_SCOPE = 'This token does not open the map: it lacks the scope heatmap:read.'
/** After the map has moved so long ago, what is seen is asked for. */
const SETTLED_MS = 250

export class Page {
  private cities: readonly City[]
  private precisions: readonly number[]
  private city: City
  private camera: Camera
  private settings: Settings
  private shown: { view: HeatView; precision: number } | null = null
  private scale: Scale = shortestScale(1)
  private settling: ReturnType<typeof setTimeout> | undefined
  private readonly notices = new Map<string, string>()
  private readonly container = part('map')
  private readonly panel: Panel
  private readonly controls: Controls
  private readonly client: HeatmapClient
  private readonly watching: Watching
  private readonly vitals: VitalSigns
  private readonly cursor: Cursor
  private readonly map: MapKeeper
  private readonly config: Config
  private readonly token: TokenKeeper

  constructor(config: Config, token: string, view: View, settings: Settings) {
    this.config = config
    this.token = new TokenKeeper(token)
    this.cities = config.cities
    this.precisions = config.precisions
    this.settings = settings
    this.city = this.cityNamed(view.city)
    this.panel = new Panel(
      (name) => this.choose(name),
      () => this.lookAt(this.overCity()),
    )
    this.panel.setCities(this.cities, this.city.name)
    this.controls = new Controls(settings, config.tiles, (changed) => this.change(changed))
    this.controls.setScheme(schemeOf(settings.theme))
    this.camera = view.camera ?? this.overCity()
    this.client = new HeatmapClient({
      url: config.websocket_url,
      token: () => this.token.current,
      // The first call comes out of the client's constructor, when this one is not done.
      onLink: (link) => queueMicrotask(() => this.follow(link)),
      onProblem: (problem) => console.warn(problem.message),
    })
    this.watching = new Watching(this.client, {
      onView: (heat, precision) => this.show(heat, precision),
      onRefused: (refusal) => this.refused(refusal),
    })
    this.vitals = new VitalSigns(this.client, (vitals) => this.panel.setVitals(vitals))
    this.cursor = new Cursor(this.container, part('overlay'), {
      precision: () => this.shown?.precision ?? null,
      countOf: (cell) => this.shown?.view.cells.get(cell) ?? 0,
      least: () => this.scale.least,
      camera: () => this.camera,
      size: () => this.size(),
      lookAt: (camera) => this.lookAt(camera),
    })
    this.map = new MapKeeper(this.container, {
      onMove: (at, atRest) => this.move(at, atRest),
      onHover: (at) => this.cursor.hover(at),
      onPick: (at) => this.cursor.pick(at),
      onNotice: (text) => this.notice('map', text),
    })
  }

  start(): void {
    this.remember('replace')
    this.watch()
    this.drawLegend()
    this.askWhatThereIs()
    onSchemeChange(() => this.restyle())
    window.addEventListener('popstate', () => this.visit(location.hash))
    window.addEventListener('resize', () => this.settle())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.client.retry()
    })
    void this.map.open({ city: this.city, camera: this.camera, drawing: this.drawing(), tiles: this.tileSet() })
  }

  private askWhatThereIs(): void {
    this.client.hello().then(
      (hello) => this.learn(hello),
      (error: Error) => console.warn(error.message),
    )
  }

  /** The server knows better than the file that was written when it was deployed, and what this token is good for. */
  private learn({ cities, precisions }: Hello): void {
    this.precisions = precisions
    const [first] = cities
    if (!first) return void this.token.replace('This token is good for none of the cities.')
    const before = this.city
    const isAmong = cities.some(({ name }) => name === before.name)
    this.cities = cities
    this.panel.setCities(cities, isAmong ? before.name : first.name)
    if (isAmong) return this.watch()
    this.choose(first.name, undefined, 'replace')
    this.notice('token', `This token is not good for ${before.title}: you see ${first.title} instead.`)
  }

  private refused({ code, message }: Refusal): void {
    if (code !== 'forbidden') this.notice('feed', `The server says: ${message || code}`)
    else if (message.startsWith('scope:')) void this.token.replace(LACKS_SCOPE)
    else if (message.startsWith('city:')) this.notice('feed', `This token is not good for ${this.city.title}.`)
    // Else it is the precision: the answer to `hello` is under way, and names those that are allowed.
  }

  private choose(name: string, camera?: Camera, how: 'push' | 'replace' = 'push'): void {
    this.notice('token', '')
    this.notice('feed', '')
    this.city = this.cityNamed(name)
    this.panel.setCity(this.city.name)
    this.camera = camera ?? this.overCity()
    this.shown = null
    this.scale = shortestScale(this.scale.least)
    this.cursor.clear()
    this.showCounts()
    this.map.showCity(this.city, this.camera)
    this.remember(how)
    this.watch()
  }

  /** Someone went back, edited the URL, or followed a link to another view of this page. */
  private visit(hash: string): void {
    const { view, token } = parseHash(hash)
    if (token) {
      takeToken(token, view)
      location.reload()
      return
    }
    const { look = this.settings.look, tiles = this.settings.tiles } = view
    this.restyle({ ...this.settings, look, tiles })
    this.controls.show(this.settings)
    const city = this.cityNamed(view.city ?? this.city.name)
    if (city === this.city) this.lookAt(view.camera ?? this.overCity())
    else this.choose(city.name, view.camera, 'replace')
  }

  private change(settings: Settings): void {
    storeSettings(settings)
    this.restyle(settings)
    this.remember('replace')
    this.watch()
  }

  private restyle(settings = this.settings): void {
    this.settings = settings
    setTheme(settings.theme)
    this.controls.setScheme(schemeOf(settings.theme))
    this.map.draw(this.drawing(), this.tileSet())
    this.drawLegend()
  }

  private move(camera: Camera, atRest: boolean): void {
    this.camera = camera
    this.cursor.refresh()
    this.settle()
    if (!atRest) return
    this.showCounts()
    this.remember('replace')
  }

  private lookAt(camera: Camera): void {
    this.camera = camera
    this.map.lookAt(camera)
    this.settle()
  }

  private settle(): void {
    clearTimeout(this.settling)
    this.settling = setTimeout(() => this.watch(), SETTLED_MS)
  }

  private watch(): void {
    this.watching.lookAt({
      city: this.city.name,
      cityBox: this.city.bbox,
      visible: visibleBox(this.camera, this.size()),
      zoom: this.camera.zoom,
      leastPx: leastCellPx(window.devicePixelRatio) / (this.settings.detail === 'fine' ? 4 : 1),
      precisions: this.precisions,
    })
  }

  private show(view: HeatView, precision: number): void {
    this.notice('feed', '')
    const before = this.shown
    this.shown = { view, precision }
    this.vitals.heard(view)
    const { cells, minCellDrivers: least } = view
    const isOther = before?.precision !== precision || least !== this.scale.least
    // The same cells in the same object: only their moment is later.
    if (before?.view.cells === cells && !isOther) return this.showCounts()
    const scale = scaleFor(cells.values(), isOther ? shortestScale(least) : this.scale)
    const isRescaled = isOther || scale !== this.scale
    this.scale = scale
    this.showCounts()
    if (isRescaled) this.drawLegend()
    this.map.show(cells, precision, scale)
    this.cursor.refresh()
  }

  private showCounts(): void {
    const view = this.shown?.view
    const inView = view ? driversIn(view.cells, visibleBox(this.camera, this.size())) : 0
    const [drivers, cells, rev] = [view?.drivers ?? null, view?.cells.size ?? 0, view?.rev ?? 0]
    this.panel.setCounts({ drivers, inView, least: this.scale.least, cells, rev })
  }

  private drawLegend(): void {
    const { palette, theme } = this.settings
    const precision = this.shown?.precision ?? null
    const lat = (this.city.bbox[0] + this.city.bbox[2]) / 2
    drawLegend(PALETTES[palette][schemeOf(theme)], this.scale, precision, lat)
  }

  private follow(link: Link): void {
    this.vitals.look()
    if (link === 'connected') this.token.accepted()
    if (link === 'refused') void this.renewToken()
  }

  private async renewToken(): Promise<void> {
    await this.token.renew()
    this.client.retry()
    // It may be good for other cities.
    this.askWhatThereIs()
  }

  /** The map may have moved under one and the same entry of the history; another city is another entry. */
  private remember(how: 'push' | 'replace'): void {
    const { look, tiles } = this.settings
    const view: View = { city: this.city.name, camera: this.camera, look, ...(tiles !== NO_TILES && { tiles }) }
    if (how === 'push') history.pushState(null, '', formatHash(view))
    else history.replaceState(null, '', formatHash(view))
  }

  private notice(about: string, text: string): void {
    if (text) this.notices.set(about, text)
    else this.notices.delete(about)
    this.panel.setNotice([...this.notices.values()].join(' '))
  }

  private cityNamed(name: string | undefined): City {
    return this.cities.find((city) => city.name === name) ?? this.cities[0] ?? this.config.cities[0]
  }

  private tileSet(): Config['tiles'][number] | null {
    return this.config.tiles.find(({ name }) => name === this.settings.tiles) ?? null
  }

  private drawing(): Drawing {
    const { palette, look, opacity, radius, theme } = this.settings
    return { scheme: schemeOf(theme), palette, look, opacity: opacity / 100, radius: radius / 100 }
  }

  private size(): Size {
    return { width: this.container.clientWidth, height: this.container.clientHeight }
  }

  private overCity(): Camera {
    return cameraOver(this.city.bbox, this.size(), this.paddingAround())
  }

  /** On a phone the panel and the dock cover the map from edge to edge; elsewhere they only cover corners. */
  private paddingAround(): Padding {
    const { width, height } = this.size()
    const panel = document.querySelector('.panel')?.getBoundingClientRect()
    const dock = document.querySelector('.legend')?.getBoundingClientRect()
    const isNarrow = panel !== undefined && dock !== undefined && panel.width > width * 0.6
    if (!isNarrow) return { left: 16, right: 16, top: 16, bottom: 28 }
    return { left: 16, right: 16, top: panel.bottom + 12, bottom: height - dock.top + 28 }
  }
}

/** Keeps a token and takes it out of the URL, which people copy and browsers remember. */
export function takeToken(token: string, view: View): void {
  storeToken(token)
  history.replaceState(null, '', formatHash(view))
}
