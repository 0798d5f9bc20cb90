import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { ProxyError } from '../../src/errors.ts'
import { Inspector, NOTHING_SEEN } from '../../src/inspector/inspector.ts'
import { diagnose } from '../../src/token/diagnose.ts'
import { OAuthError } from '../../src/token/oauth-error.ts'
import { exchangeOf } from '../support/exchange.ts'

function inspectorAt(start = 1_700_000_000_000) {
  const time = { now: start }
  const clock = { ...systemClock, now: () => time.now }
  return { time, inspector: new Inspector({ clock, secrets: () => ['the-secret-value'] }) }
}

test('the last two hundred exchanges are kept, and found by their number', () => {
  const { inspector } = inspectorAt()
  for (let n = 1; n <= 450; n++) inspector.ended(exchangeOf({ target: `/services/data?n=${n}` }))
  expect(inspector.since(NOTHING_SEEN).exchanges).toEqual([])
  expect(inspector.exchanges.settle(50)).toBe(true)
  expect(inspector.since(NOTHING_SEEN).exchanges.map(({ n }) => n)).toEqual(
    Array.from({ length: 50 }, (_, at) => at + 251),
  )
  expect(inspector.exchanges.settle()).toBe(false)
  const { exchanges, seen } = inspector.since(NOTHING_SEEN)
  expect(exchanges.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, at) => at + 251))
  expect(inspector.exchanges.find(250)).toBeUndefined()
  expect(inspector.exchanges.find(451)).toBeUndefined()
  expect(inspector.exchanges.find(300)?.detail.target).toBe('/services/data?n=300')
  expect(inspector.since(seen).exchanges).toEqual([])
  inspector.ended(exchangeOf())
  inspector.exchanges.settle()
  expect(inspector.since(seen).exchanges).toHaveLength(1)
  inspector.close()
})

test('credentials in addresses, fields and messages are not kept', () => {
  const { inspector } = inspectorAt()
  inspector.ended(
    exchangeOf({
      target: '/services/data?sid=the-secret-value&q=00D000000000001!AQ.abc',
      sentHeaders: ['X-Custom', 'the-secret-value', 'Cookie', 'c00kie'],
      answerHeaders: ['Location', '/x?access_token=abcdef'],
      problem: new ProxyError('PROXY_PATH_REFUSED', { detail: 'the-secret-value' }),
    }),
  )
  inspector.exchanges.settle()
  const kept = JSON.stringify([inspector.since(NOTHING_SEEN), inspector.exchanges.find(1)])
  for (const secret of ['the-secret-value', 'AQ.abc', 'c00kie', 'abcdef']) expect(kept).not.toContain(secret)
  inspector.close()
})

test('they are blanked soon even where nobody looks, and the objects of the request let go', async () => {
  const wake = Promise.withResolvers<undefined>()
  const clock = { ...systemClock, sleep: () => wake.promise.then(() => undefined) }
  const inspector = new Inspector({ clock, secrets: () => [] })
  const exchange = exchangeOf({ sentHeaders: ['Cookie', 'c00kie'] })
  let reads = 0
  const watched = Object.defineProperty({ ...exchange }, 'facts', {
    get() {
      reads += 1
      return exchange.facts
    },
  })
  inspector.ended(watched)
  expect(reads).toBe(0)
  wake.resolve(undefined)
  await new Promise(setImmediate)
  expect(reads).toBe(1)
  inspector.exchanges.find(1)
  expect(reads).toBe(1)
})

test('traffic by the second, with its failures and its 95th percentiles', () => {
  const { inspector, time } = inspectorAt()
  for (let n = 1; n <= 100; n++) inspector.ended(exchangeOf({ ms: n + 2, upstreamMs: n }))
  inspector.ended(exchangeOf({ status: 503, ms: 2, upstreamMs: undefined }))
  inspector.ended(exchangeOf({ status: undefined, isBrokenOff: true, ms: 2, upstreamMs: undefined }))
  expect(inspector.since(NOTHING_SEEN).seconds).toEqual([])
  time.now += 1000
  const { seconds, seen } = inspector.since(NOTHING_SEEN)
  expect(seconds).toEqual([{ at: 1_700_000_000, requests: 102, failed: 2, ownMs: 2, upstreamMs: 95 }])
  expect(inspector.since(seen).seconds).toEqual([])
  time.now += 5000
  inspector.ended(exchangeOf())
  time.now += 1000
  expect(inspector.since(seen).seconds).toMatchObject([{ at: 1_700_000_006, requests: 1 }])
  time.now += 700_000
  expect(inspector.since(NOTHING_SEEN).seconds).toEqual([])
  inspector.close()
})

test('a clock that is set back loses no request', () => {
  const { inspector, time } = inspectorAt()
  inspector.ended(exchangeOf())
  time.now -= 60_000
  inspector.ended(exchangeOf())
  time.now += 61_000
  expect(inspector.since(NOTHING_SEEN).seconds).toMatchObject([{ requests: 2 }])
  inspector.close()
})

test('a second with more requests than are sampled, and more seconds than are kept, stay bounded', () => {
  const { inspector, time } = inspectorAt()
  for (let n = 0; n < 2000; n++) inspector.ended(exchangeOf())
  for (let second = 0; second < 700; second++) {
    time.now += 1000
    inspector.ended(exchangeOf())
  }
  const { seconds } = inspector.since(NOTHING_SEEN)
  expect(seconds.length).toBeLessThanOrEqual(600)
  expect(seconds.length).toBeGreaterThan(590)
  inspector.close()
})

test('the same trouble is counted, stands first again, and is over when a token comes', () => {
  const { inspector, time } = inspectorAt()
  const fail = (error: OAuthError) => {
    inspector.token({
      type: 'failed',
      reason: 'start',
      kind: error.kind,
      diagnosis: diagnose(error),
      error: error.error,
      description: error.description,
      status: 400,
      secret: undefined,
      failures: 1,
      retryInSeconds: 60,
      serving: undefined,
      loud: true,
    })
  }
  const description = 'no client credentials user enabled'
  const noUser = new OAuthError({ kind: 'permanent', error: 'invalid_grant', description, status: 400 })
  fail(noUser)
  inspector.ended(exchangeOf({ problem: new ProxyError('PROXY_TOKEN_UNAVAILABLE'), status: 503 }))
  time.now += 1000
  fail(noUser)
  const { troubles, seen } = inspector.since(NOTHING_SEEN)
  expect(troubles).toMatchObject([
    {
      code: 'run-as-user-missing',
      count: 2,
      resolvedAt: null,
      answered: `invalid_grant: ${description}`,
      steps: [{ where: 'Connected App' }, { where: 'External Client App' }, { where: 'Login History shows' }],
    },
    { code: 'PROXY_TOKEN_UNAVAILABLE 503', count: 1, exchange: 1 },
  ])
  expect(troubles?.[0]?.steps[0]?.text).toContain('Steps 13 to 15')
  expect(inspector.since(seen).troubles).toBeUndefined()
  inspector.token({
    type: 'obtained',
    reason: 'retry',
    fingerprint: '01234567',
    format: 'opaque',
    lifeSeconds: 60,
    lifeSource: 'configured',
    afterFailures: 2,
  })
  const after = inspector.since(seen)
  expect(after.troubles).toMatchObject([{ resolvedAt: time.now }, { resolvedAt: null }])
  expect(after.marks).toMatchObject([{ kind: 'obtained', fingerprint: '01234567', lifeSeconds: 60 }])
  inspector.close()
})

test('every other kind of news about the token has its words', () => {
  const { inspector } = inspectorAt()
  inspector.token({ type: 'requested', reason: 'start' })
  inspector.token({
    type: 'unchanged',
    reason: 'schedule',
    fingerprint: '01234567',
    nextInSeconds: 9,
    afterFailures: 0,
  })
  inspector.token({ type: 'refused', fingerprint: '01234567', ageSeconds: 9, isEarly: false, replacedInSeconds: 0 })
  inspector.token({ type: 'held-back', reason: 'retry', requestsPerHour: 60, resumesInSeconds: 9, loud: true })
  inspector.token({ type: 'life-learned', lifeSeconds: 900 })
  inspector.token({ type: 'secret-changed', secret: { name: 'CLOUDAWARE_CLIENT_SECRET', fingerprint: '01234567' } })
  inspector.token({ type: 'instance-url-refused', instanceUrl: 'https://other.my.salesforce.com' })
  inspector.token({ type: 'secret-unreadable', name: 'CLOUDAWARE_CLIENT_SECRET_FILE', error: 'ENOENT' })
  inspector.bearer({ type: 'api-refused', family: 'rest', diagnosis: 'Ask for the scope "api" (step 6).' })
  inspector.bearer({ type: 'connection-replaced', family: 'rest' })
  const { marks, troubles } = inspector.since(NOTHING_SEEN)
  expect(marks.map(({ kind }) => kind)).toEqual(['unchanged', 'refused', 'held-back', 'note', 'note'])
  expect(troubles?.map(({ code, steps }) => [code, steps.length])).toEqual([
    ['the rest API', 1],
    ['secret-unreadable', 1],
    ['instance-url-refused', 1],
    ['held-back', 1],
  ])
  inspector.close()
})

test('marks and troubles are bounded', () => {
  const { inspector } = inspectorAt()
  for (let n = 0; n < 500; n++) {
    inspector.token({ type: 'refused', fingerprint: '01234567', ageSeconds: 9, isEarly: false, replacedInSeconds: 0 })
    inspector.bearer({ type: 'api-refused', family: 'rest', diagnosis: `reason ${n}` })
  }
  const { marks, troubles } = inspector.since(NOTHING_SEEN)
  expect([marks.length, troubles?.length]).toEqual([100, 30])
  inspector.close()
})
