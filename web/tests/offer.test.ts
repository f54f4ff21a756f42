import type { Hello } from 'fleetglow-protocol'
import { expect, test, vi } from 'vitest'
import type { Config } from '../src/config'
import { Offer } from '../src/offer'

const LAGOS = { name: 'lagos', title: 'Lagos', time_zone: 'Africa/Lagos', bbox: [6.35, 3.1, 6.75, 3.75] } as const
const NAIROBI = { name: 'nairobi', title: 'Nairobi', time_zone: 'Africa/Nairobi', bbox: [-1.5, 36.6, -1.1, 37] } as const
const CONFIG: Config = { websocket_url: 'ws://x', cities: [LAGOS, NAIROBI], precisions: [6, 7, 8], tiles: [] }
const TOO_FINE = { code: 'forbidden', message: 'precision: expected at most 7 without the scope drivers:read, got 8' }

/** An offer whose server answers when the test says so. */
function offering() {
  const answers: ((hello: Hello) => void)[] = []
  const notices: Record<string, string> = {}
  const token = { renew: vi.fn(async () => {}), replace: vi.fn(async () => {}) }
  const client = { hello: () => new Promise<Hello>((resolve) => answers.push(resolve)), retry: vi.fn() }
  const onLearnt = vi.fn()
  const onNotice = (about: string, text: string) => void (notices[about] = text)
  const offer = new Offer(CONFIG, client, token, { onLearnt, onNotice })
  const answer = async (...cities: (typeof LAGOS | typeof NAIROBI)[]) => {
    answers.at(-1)?.({ cities, precisions: [6, 7] } as unknown as Hello)
    await vi.waitFor(() => expect(onLearnt).toHaveBeenCalled())
  }
  return { offer, token, answers, notices, onLearnt, answer }
}

test('of a precision that is too fine before the server has told which there are nobody is told', async () => {
  const { offer, answers, notices, answer } = offering()
  offer.ask()
  offer.refused(TOO_FINE, LAGOS)
  expect([answers.length, notices]).toEqual([1, {}])
  await answer(LAGOS, NAIROBI)
  expect(offer.precisions).toEqual([6, 7])
})

test('who was refused without having been told is told at last', () => {
  const { offer, answers } = offering()
  offer.refused(TOO_FINE, LAGOS)
  expect(answers.length).toBe(1)
})

test('what is refused although it was offered is told in the words of the server', async () => {
  const { offer, answers, notices, answer } = offering()
  offer.ask()
  await answer(LAGOS)
  offer.refused(TOO_FINE, LAGOS)
  expect(notices['feed']).toBe(`The server says: ${TOO_FINE.message}`)
  expect(answers.length).toBe(1)
})

test('a city that is not open is told by its title, and a token without the scope is replaced', () => {
  const { offer, token, notices } = offering()
  offer.refused({ code: 'forbidden', message: 'city: expected one that the token is good for, got "lagos"' }, LAGOS)
  expect(notices['feed']).toBe('This token is not good for Lagos.')
  offer.refused({ code: 'forbidden', message: 'scope: expected heatmap:read, got pings:write' }, LAGOS)
  expect(token.replace).toHaveBeenCalledOnce()
})

test('that a city is missing is taken back when it is offered, and not before', async () => {
  const { offer, notices, answer, onLearnt } = offering()
  offer.missing('lagos', NAIROBI)
  const said = 'This token is not good for Lagos: you see Nairobi instead.'
  offer.ask()
  await answer(NAIROBI)
  expect(notices['token']).toBe(said)
  onLearnt.mockClear()
  await offer.renew()
  await answer(LAGOS, NAIROBI)
  expect(notices['token']).toBe('')
})
