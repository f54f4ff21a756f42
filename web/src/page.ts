/** The page: what one looks at and how, kept together by the URL, the feed, the panel and the map. */

import { HeatmapClient, type HeatView, type Link } from 'fleetglow-protocol'
import { cameraOver, visibleBox, type Camera, type Padding, type Size } from './camera'
import type { City, Config } from './config'
import { Controls } from './controls'
import { Cursor } from './cursor'
import { part } from './dom'
import type { Drawing } from './glow'
import { driversIn } from './inview'
import { drawLegend } from './legend'
import { MapKeeper } from './map-keeper'
import { Offer } from './offer'
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

/** After the map has moved so long ago, what is seen is asked for. */
const SETTLED_MS = 250

export class Page {
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
  private readonly offer: Offer

  constructor(config: Config, token: string, view: View, settings: Settings) {
    this.config = config
    this.token = new TokenKeeper(token)
    this.client = new HeatmapClient({
      url: config.websocket_url,
      token: () => this.token.current,
      // The first call comes out of the client's constructor, when this one is not done.
      onLink: (link) => queueMicrotask(() => this.follow(link)),
      onProblem: (problem) => console.warn(problem.message),
    })
    this.offer = new Offer(config, this.client, this.token, {
      onLearnt: () => this.learn(),
      onNotice: (about, text) => this.notice(about, text),
    })
    this.settings = settings
    this.city = this.offer.cityNamed(view.city)
    this.panel = new Panel(
      (name) => this.choose(name),
      () => this.lookAt(this.overCity()),
    )
    this.panel.setCities(this.offer.cities, this.city.name)
    this.controls = new Controls(settings, config.tiles, (changed) => this.change(changed))
    this.controls.setScheme(schemeOf(settings.theme))
    this.camera = cameraIn(this.city, view) ?? this.overCity()
    this.watching = new Watching(this.client, {
      onView: (heat, precision) => this.show(heat, precision),
      onRefused: (refusal) => this.offer.refused(refusal, this.city),
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
    this.tellIfMissing(view)
  }

  start(): void {
    this.remember('replace')
    this.watch()
    this.drawLegend()
    this.offer.ask()
    onSchemeChange(() => this.restyle())
    window.addEventListener('popstate', () => this.visit(location.hash))
    window.addEventListener('resize', () => this.settle())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.client.retry()
    })
    void this.map.open({ city: this.city, camera: this.camera, drawing: this.drawing(), tiles: this.tileSet() })
  }

  private learn(): void {
    const before = this.city
    const city = this.offer.cityNamed(before.name)
    this.panel.setCities(this.offer.cities, city.name)
    if (city.name === before.name) return this.watch()
    this.choose(city.name, undefined, 'replace')
    this.offer.missing(before.name, city)
  }

  private choose(name: string, camera?: Camera, how: 'push' | 'replace' = 'push'): void {
    this.notice('token', '')
    this.notice('feed', '')
    this.city = this.offer.cityNamed(name)
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
    const city = this.offer.cityNamed(view.city ?? this.city.name)
    const camera = cameraIn(city, view)
    this.notice('token', '')
    if (city.name === this.city.name) this.lookAt(camera ?? this.overCity())
    else this.choose(city.name, camera, 'replace')
    this.tellIfMissing(view)
  }

  /** Says so where a link is to a city that is not on offer; what the URL says then is another. */
  private tellIfMissing({ city }: View): void {
    if (city === undefined || city === this.city.name) return
    this.offer.missing(city, this.city)
    this.remember('replace')
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
      precisions: this.offer.precisions,
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
    if (link === 'refused') void this.offer.renew()
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

/** Where a view looks in a city; in another than its own, nowhere. */
function cameraIn({ name }: City, { city, camera }: View): Camera | undefined {
  return city === undefined || city === name ? camera : undefined
}

/** Keeps a token and takes it out of the URL, which people copy and browsers remember. */
export function takeToken(token: string, view: View): void {
  storeToken(token)
  history.replaceState(null, '', formatHash(view))
}
