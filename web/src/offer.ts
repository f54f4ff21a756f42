/** What the server offers to the bearer of the token, and what becomes of what it refuses. */

import type { HeatmapClient, Hello, Refusal } from 'fleetglow-protocol'
import type { City, Config } from './config'
import type { TokenKeeper } from './token-keeper'

const LACKS_SCOPE = 'This token does not open the map: it lacks the scope heatmap:read.'
const OPENS_NO_CITY = 'This token is good for none of the cities.'

type Client = Pick<HeatmapClient, 'hello' | 'retry'>
type Token = Pick<TokenKeeper, 'renew' | 'replace'>

export interface OfferEvents {
  /** There are other cities or precisions than before, or may be. */
  onLearnt: () => void
  /** About the token, or about the feed until something is shown; an empty text takes back what was said. */
  onNotice: (about: 'token' | 'feed', text: string) => void
}

export class Offer {
  cities: readonly City[]
  precisions: readonly number[]
  private isAsking = false
  private isKnown = false
  /** The city that was asked for and is not open. */
  private missed: string | null = null
  private readonly config: Config
  private readonly client: Client
  private readonly token: Token
  private readonly events: OfferEvents

  /** Until the server has been asked, it is what the file says that was written when it was deployed. */
  constructor(config: Config, client: Client, token: Token, events: OfferEvents) {
    this.config = config
    this.cities = config.cities
    this.precisions = config.precisions
    this.client = client
    this.token = token
    this.events = events
  }

  /** The city of that name if it is among those on offer, otherwise the first of them. */
  cityNamed(name: string | undefined): City {
    return this.cities.find((city) => city.name === name) ?? this.cities[0] ?? this.config.cities[0]
  }

  /** Says that another city is shown than the one that was asked for. */
  missing(name: string, instead: City): void {
    const title = this.config.cities.find((city) => city.name === name)?.title
    const why = title ? `This token is not good for ${title}` : `There is no city named ${name}`
    this.missed = name
    this.events.onNotice('token', `${why}: you see ${instead.title} instead.`)
  }

  ask(): void {
    if (this.isAsking) return
    this.isAsking = true
    this.client
      .hello()
      .then(
        (hello) => this.learn(hello),
        (error: Error) => console.warn(error.message),
      )
      .finally(() => (this.isAsking = false))
  }

  /** The reasons begin with what lacks: the tests of the server's rules hold it to that. */
  refused({ code, message }: Refusal, city: City): void {
    if (code !== 'forbidden') return this.say(message || code)
    if (message.startsWith('scope:')) return void this.token.replace(LACKS_SCOPE)
    if (message.startsWith('city:')) return this.events.onNotice('feed', `This token is not good for ${city.title}.`)
    // What was watched before the answer may be finer than the token is shown: the answer names what is allowed.
    if (this.isKnown) this.say(message)
    else this.ask()
  }

  /** Asks for another token, which may open other cities. */
  async renew(): Promise<void> {
    await this.token.renew()
    this.isKnown = false
    this.client.retry()
    this.ask()
  }

  private learn({ cities, precisions }: Hello): void {
    this.isKnown = true
    this.precisions = precisions
    if (cities.length === 0) return void this.token.replace(OPENS_NO_CITY)
    this.cities = cities
    if (cities.some(({ name }) => name === this.missed)) this.events.onNotice('token', '')
    this.events.onLearnt()
  }

  private say(message: string): void {
    this.events.onNotice('feed', `The server says: ${message}`)
  }
}
