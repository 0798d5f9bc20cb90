import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { ProxyError } from '../../src/errors.ts'
import { Inspector, NOTHING_SEEN } from '../../src/inspector/inspector.ts'
import { Witness } from '../../src/inspector/witness.ts'
import { exchangeOf } from '../support/exchange.ts'

const START = 1_700_000_000_000
const FAILED = new ProxyError('PROXY_UPSTREAM_UNREACHABLE')

/** Two workers' witnesses and the page's inspector, on one clock. */
function court() {
  const time = { now: START }
  const clock = { ...systemClock, now: () => time.now }
  const secrets = () => ['the-secret-value']
  const inspector = new Inspector({ clock, secrets })
  const witnesses = [new Witness({ clock, secrets }), new Witness({ clock, secrets })] as const
  return {
    time,
    inspector,
    witnesses,
    hear() {
      for (const [at, witness] of witnesses.entries()) inspector.told(at + 1, witness.testify())
    },
    [Symbol.dispose]: () => {
      inspector.close()
    },
  }
}

test('the traffic of all workers is one, and each second is told once, when all have told of it', () => {
  using run = court()
  const [one, two] = run.witnesses
  one.ended(exchangeOf({ ms: 10, upstreamMs: 4 }))
  two.ended(exchangeOf({ ms: 30, upstreamMs: undefined, status: 503 }))
  two.ended(exchangeOf({ ms: 30, upstreamMs: undefined, isBrokenOff: true }))
  run.time.now += 1500
  two.ended(exchangeOf({ ms: 5, upstreamMs: undefined }))
  run.hear()
  expect(run.inspector.since(NOTHING_SEEN).seconds).toEqual([])
  run.time.now += 1000
  run.hear()
  const { seconds, seen } = run.inspector.since(NOTHING_SEEN)
  const at = START / 1000
  expect(seconds).toEqual([{ at, requests: 3, failed: 2, ownMs: 30, upstreamMs: 4 }])
  run.time.now += 1000
  run.hear()
  expect(run.inspector.since(seen).seconds).toEqual([
    { at: at + 1, requests: 1, failed: 0, ownMs: 5, upstreamMs: null },
  ])
})

test('ten minutes are kept, like those of one process', () => {
  using run = court()
  for (let second = 0; second < 700; second++) {
    run.witnesses[0].ended(exchangeOf())
    run.time.now += 1000
    run.hear()
  }
  expect(run.inspector.since(NOTHING_SEEN).seconds.length).toBeLessThanOrEqual(600)
  expect(run.inspector.since(NOTHING_SEEN).seconds.length).toBeGreaterThan(590)
})

test('the same trouble of several workers is one, the latest first, beside those of the token', () => {
  using run = court()
  const [one, two] = run.witnesses
  run.inspector.token({ type: 'instance-url-refused', instanceUrl: 'https://other.example' })
  one.ended(exchangeOf({ problem: FAILED }))
  run.time.now += 1000
  two.ended(exchangeOf({ problem: FAILED }))
  two.ended(exchangeOf({ problem: FAILED }))
  two.bearer({ type: 'api-refused', family: 'soap', diagnosis: 'Ask for the-secret-value.' })
  two.token()
  run.hear()
  const { troubles = [], seen, exchanges } = run.inspector.since(NOTHING_SEEN)
  expect(exchanges).toEqual([])
  expect(troubles).toHaveLength(3)
  expect(troubles.find(({ code }) => code.startsWith('PROXY_UPSTREAM'))).toMatchObject({
    count: 3,
    firstAt: START,
    lastAt: START + 1000,
    exchange: null,
  })
  expect(troubles.at(-1)?.code).toBe('instance-url-refused')
  run.hear()
  expect(run.inspector.since(seen).troubles).toBeUndefined()
  run.time.now += 1000
  one.ended(exchangeOf({ problem: FAILED }))
  run.hear()
  expect(run.inspector.since(seen).troubles?.[0]).toMatchObject({ count: 4, lastAt: START + 2000 })
})

test('what is told of a trouble holds no credential', () => {
  using run = court()
  const problem = new ProxyError('PROXY_REQUEST_INVALID', { detail: 'It holds the-secret-value.' })
  run.witnesses[0].ended(exchangeOf({ problem }))
  expect(JSON.stringify(run.witnesses[0].testify())).not.toContain('the-secret-value')
})
