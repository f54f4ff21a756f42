import { describe, expect, test } from 'vitest'
import { DELAYS, HANDSHAKE_MS } from '../src/connection.js'
import { hostProbe } from '../src/host-probe.js'
import { HANDSHAKES_UNTIL_DOUBT, type Finding } from '../src/doubts.js'
import { Bench, shown } from './support.js'

test('a server that cannot be reached is tried ever more slowly, for ever', async () => {
  const bench = new Bench()
  bench.server.isDown = true
  await bench.pass(120_000)
  expect(bench.server.handshakes).toBeGreaterThan(10)
  expect(bench.server.handshakes).toBeLessThan(20)
  expect(bench.links).toEqual(['connecting', 'reconnecting'])
  bench.server.isDown = false
  await bench.pass(DELAYS.longest)
  expect(bench.client.link).toBe('connected')
})

test('no two clients that were cut off together come back together', async () => {
  const delays = await Promise.all(
    [0, 0.25, 1].map(async (chance) => {
      const bench = new Bench({ random: () => chance })
      await bench.settle()
      bench.server.cut()
      return (bench.client.retryAt ?? 0) - bench.clock.now()
    }),
  )
  expect(delays).toEqual([100, 325, 1_000])
})

test('who is told of the first link can already use the client', async () => {
  const seen: string[] = []
  const bench: Bench = new Bench({ onLink: (link) => seen.push(`${link} ${bench.client.link}`) })
  await bench.settle()
  expect(seen).toEqual(['connecting connecting', 'connected connected'])
})

test('when the next attempt begins is told until it does', async () => {
  const bench = new Bench()
  expect(bench.client.retryAt).toBeNull()
  await bench.settle()
  bench.server.cut()
  expect(bench.client.retryAt).toBe(550)
  await bench.pass(550)
  expect(bench.client.retryAt).toBeNull()
  expect(bench.client.link).toBe('connected')
})

test('a server that accepts and then says nothing does not end the backoff', async () => {
  const bench = new Bench()
  for (let i = 0; i < 50; i++) {
    await bench.pass(1_000)
    bench.server.cut()
  }
  expect(bench.server.handshakes).toBeLessThan(12)
})

test('a handshake that never ends is given up', async () => {
  const bench = new Bench()
  bench.server.shakesHands = false
  await bench.pass(HANDSHAKE_MS)
  bench.server.shakesHands = true
  await bench.pass(1_000)
  expect(bench.client.link).toBe('connected')
})

test('when the network comes back the client does not wait for its delay', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  bench.server.isDown = true
  bench.server.cut()
  await bench.pass(60_000)
  bench.server.isDown = false
  bench.server.city('lagos').set({ s14mk2x: 3 })
  bench.client.retry()
  await bench.settle()
  expect(shown(watch)).toEqual([['s14mk2x', 3]])
})

test('after a retry that fails, the next ones follow as quickly as at first', async () => {
  const bench = new Bench()
  bench.server.isDown = true
  await bench.pass(120_000)
  const before = bench.server.handshakes
  bench.client.retry()
  await bench.pass(2_000)
  expect(bench.server.handshakes).toBe(before + 3)
})

test('a retry while connected asks what has changed, and so finds out whether the connection still lives', async () => {
  const bench = new Bench()
  await bench.watching()
  bench.client.retry()
  await bench.settle()
  expect(bench.subscribes).toHaveLength(2)
  expect(bench.server.handshakes).toBe(1)
  bench.server.isMute = true
  bench.client.retry()
  await bench.pass(5_000)
  expect(bench.client.link).toBe('reconnecting')
})

test('what a connection still brings after it was replaced is not listened to', async () => {
  const bench = new Bench()
  const watch = await bench.watching()
  const old = bench.server.socket
  bench.server.isMute = true
  await bench.pass(30_000)
  bench.server.isMute = false
  await bench.pass(10_000)
  const { view } = watch
  old.receive('{')
  expect(watch.view).toBe(view)
  expect(bench.problems).toEqual([])
})

describe('the token', () => {
  test('is no part of the address, which consoles and logs show', async () => {
    const bench = new Bench({ url: 'wss://fleetglow.test/live?stage=1', token: 'eyJ.a-b_c.d' })
    await bench.settle()
    expect(bench.server.socket.url).toBe('wss://fleetglow.test/live?stage=1')
    expect(bench.server.socket.token).toBe('eyJ.a-b_c.d')
  })

  test('that cannot be a subprotocol is part of the address, beside what is there', async () => {
    const bench = new Bench({ url: 'wss://fleetglow.test/live?stage=1', token: 'a&b=' })
    await bench.settle()
    expect(bench.server.socket.url).toBe('wss://fleetglow.test/live?stage=1&token=a%26b%3D')
  })

  test('may be fetched anew for each attempt', async () => {
    let asked = 0
    const bench = new Bench({ token: () => Promise.resolve(`t${++asked}`) })
    await bench.settle()
    bench.server.cut()
    await bench.pass(1_000)
    expect(bench.server.socket.token).toBe('t2')
  })

  test('that cannot be had is told, and asked for again', async () => {
    let asked = 0
    const bench = new Bench({ token: () => (++asked < 3 ? Promise.reject(new Error('no token today')) : 'viewer') })
    await bench.pass(5_000)
    expect(bench.problems).toEqual(['no token today', 'no token today'])
    expect(bench.client.link).toBe('connected')
  })

  test('that is refused ends the attempts until there is another', async () => {
    let token = 'stranger'
    const bench = new Bench({ token: () => token })
    bench.server.tokens = new Set(['viewer'])
    await bench.pass(60_000)
    expect(bench.links).toEqual(['connecting', 'reconnecting', 'refused'])
    expect(bench.server.handshakes).toBe(HANDSHAKES_UNTIL_DOUBT)
    expect(bench.client.retryAt).toBeNull()
    bench.client.retry()
    await bench.pass(60_000)
    expect(bench.server.handshakes).toBe(2 * HANDSHAKES_UNTIL_DOUBT)
    expect(bench.client.link).toBe('refused')
    bench.links.splice(0)
    token = 'viewer'
    bench.client.retry()
    await bench.settle()
    expect(bench.links).toEqual(['connecting', 'connected'])
  })

  test('is not doubted while the server is down', async () => {
    const bench = new Bench()
    bench.server.isDown = true
    await bench.pass(120_000)
    expect(bench.client.link).toBe('reconnecting')
  })

  test('that says itself that it is over is refused at the first handshake that fails', async () => {
    const bench = new Bench({ token: jwt({ exp: 1_000_000_000 }) })
    bench.server.isDown = true
    await bench.settle()
    expect(bench.client.link).toBe('refused')
    expect(bench.server.handshakes).toBe(1)
  })

  test('that says itself that it is over is tried all the same: our clock may be wrong', async () => {
    const bench = new Bench({ token: jwt({ exp: 1_000_000_000 }) })
    await bench.settle()
    expect(bench.client.link).toBe('connected')
  })

  test('that was accepted, and is not over, is not doubted when the server then refuses everybody', async () => {
    const bench = new Bench({ token: jwt({ exp: 100_000_000_000 }) })
    await bench.settle()
    bench.server.tokens = new Set()
    bench.server.cut()
    await bench.pass(120_000)
    expect(bench.client.link).toBe('reconnecting')
    bench.server.tokens = null
    await bench.pass(DELAYS.longest)
    expect(bench.client.link).toBe('connected')
  })

  test('that replaces one that was accepted is doubted as any other', async () => {
    let token = jwt({ exp: 100_000_000_000 })
    const bench = new Bench({ token: () => token })
    bench.server.tokens = new Set([token])
    await bench.settle()
    token = jwt({ exp: 100_000_000_001 })
    bench.server.cut()
    await bench.pass(30_000)
    expect(bench.client.link).toBe('refused')
  })

  test('is doubted only for handshakes that fail in a row', async () => {
    const bench = new Bench()
    for (let i = 0; i < 3; i++) {
      bench.server.tokens = new Set()
      bench.server.cut()
      await bench.pass(i === 0 ? 600 : 1_000)
      bench.server.tokens = null
      await bench.pass(20_000)
      await bench.client.hello()
    }
    expect(bench.server.handshakes).toBeGreaterThan(HANDSHAKES_UNTIL_DOUBT + 3)
    expect(bench.links).not.toContain('refused')
  })

  test('that comes too late, when another was asked for, is not used', async () => {
    const given: ((token: string) => void)[] = []
    const bench = new Bench({ token: () => new Promise((resolve) => given.push(resolve)) })
    bench.client.retry()
    given[0]?.('first')
    given[1]?.('second')
    await bench.settle()
    expect(bench.server.handshakes).toBe(1)
    expect(bench.server.socket.token).toBe('second')
  })

  test('that was accepted, but does not say how long it is good, is doubted when the server refuses it', async () => {
    const bench = new Bench()
    await bench.settle()
    bench.server.tokens = new Set()
    bench.server.cut()
    await bench.pass(30_000)
    expect(bench.client.link).toBe('refused')
  })

  test.each([
    ['refused', 'refused'],
    ['accepted', 'reconnecting'],
    ['unreachable', 'reconnecting'],
  ] as const)('that a probe finds to be %s makes the link %s', async (finding: Finding, link) => {
    const bench = new Bench({ probe: () => Promise.resolve(finding) })
    bench.server.tokens = new Set()
    await bench.pass(30_000)
    expect(bench.client.link).toBe(link)
  })

  test('is not refused by a probe that fails', async () => {
    const bench = new Bench({ probe: () => Promise.reject(new Error('no probe today')) })
    bench.server.tokens = new Set()
    await bench.pass(5_000)
    expect(bench.problems).toContain('no probe today')
    bench.server.tokens = null
    await bench.pass(DELAYS.longest)
    expect(bench.client.link).toBe('connected')
  })

  test('that was replaced while a probe was under way is not judged by it', async () => {
    let found: (finding: Finding) => void = () => {}
    const bench = new Bench({ probe: () => new Promise((resolve) => (found = resolve)) })
    bench.server.tokens = new Set()
    await bench.pass(10_000)
    bench.server.tokens = null
    bench.client.retry()
    found('refused')
    await bench.settle()
    expect(bench.client.link).toBe('connected')
  })
})

test('the probe asks the host for anything, without the token', async () => {
  const asked: string[] = []
  const probe = hostProbe('wss://fleetglow.test/live?token=secret', (url, { mode }) => {
    asked.push(`${mode} ${url}`)
    return asked.length === 1 ? Promise.resolve() : Promise.reject(new TypeError('fetch failed'))
  })
  expect([await probe('secret'), await probe('secret')]).toEqual(['reachable', 'unreachable'])
  expect(asked[0]).toBe('no-cors https://fleetglow.test/live')
})

function jwt(claims: object): string {
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return [part({ alg: 'HS256' }), part(claims), 'signature'].join('.')
}
