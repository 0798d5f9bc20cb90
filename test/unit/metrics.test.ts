import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../src/errors.ts'
import { Distributions } from '../../src/metrics/counts.ts'
import { parseLimitInfo } from '../../src/metrics/limit-info.ts'
import { Tally } from '../../src/metrics/tally.ts'
import type { Exchange } from '../../src/server/exchange.ts'

const EXCHANGE: Exchange = {
  id: '1',
  method: 'GET',
  target: '/services/data',
  shownPath: '/services/data/v67.0/limits',
  family: 'rest',
  status: 200,
  ms: 5,
  upstreamMs: 4,
  caller: undefined,
  bytesOut: 0,
  problem: undefined,
  isBrokenOff: false,
  facts: undefined,
}

describe('Sforce-Limit-Info', () => {
  test.each([
    ['api-usage=18/5000', [{ scope: 'org', used: 18, total: 5000 }]],
    [
      'api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)',
      [
        { scope: 'org', used: 25, total: 5000 },
        { scope: 'app', used: 17, total: 250 },
      ],
    ],
    ['api-usage=x/y', []],
    ['other=1/2', []],
    ['', []],
  ])('%s', (field, usage) => {
    expect(parseLimitInfo(field)).toEqual(usage)
  })
})

test('a value lies in the first bucket that it does not exceed', () => {
  const distributions = new Distributions([1, 2])
  for (const value of [0, 1, 1.5, 2, 3, 100]) distributions.observe('rest', value)
  expect([...distributions.rows()]).toEqual([['rest', { counts: [2, 2, 2], sum: 107.5 }]])
})

test('a hundred callers are told apart, the rest are one', () => {
  const tally = new Tally({ now: () => 0 })
  for (let n = 0; n < 150; n++) tally.ended({ ...EXCHANGE, caller: `caller-${n}` })
  tally.ended({ ...EXCHANGE, caller: 'caller-7' })
  const rows = [...tally.requests.rows()]
  expect(rows).toHaveLength(101)
  expect(rows.find(({ labels }) => labels.caller === 'other')?.value).toBe(50)
  expect(rows.find(({ labels }) => labels.caller === 'caller-7')?.value).toBe(2)
})

test("a failure of the upstream's is an error, a fault of the caller's a refusal; what was cut is no success", () => {
  const tally = new Tally({ now: () => 0 })
  tally.ended({ ...EXCHANGE, status: 502, problem: new ProxyError('PROXY_UPSTREAM_UNREACHABLE') })
  tally.ended({ ...EXCHANGE, status: 403, problem: new ProxyError('PROXY_PATH_REFUSED') })
  tally.ended({ ...EXCHANGE, status: 501, problem: new ProxyError('PROXY_CODING_UNSUPPORTED') })
  tally.ended({ ...EXCHANGE, isBrokenOff: true })
  expect([...tally.errors.rows()]).toMatchObject([{ labels: { reason: 'PROXY_UPSTREAM_UNREACHABLE' }, value: 1 }])
  expect([...tally.refusals.rows()]).toMatchObject([
    { labels: { reason: 'PROXY_PATH_REFUSED' }, value: 1 },
    { labels: { reason: 'PROXY_CODING_UNSUPPORTED' }, value: 1 },
  ])
  expect(Array.from(tally.requests.rows(), ({ labels }) => labels.status_class)).toEqual(['5xx', '4xx', 'aborted'])
})

test('what no budget allowed is counted as held back', () => {
  const tally = new Tally({ now: () => 0 })
  tally.token({ type: 'held-back', reason: 'retry', requestsPerHour: 1, resumesInSeconds: 1, loud: true })
  expect([...tally.tokenRequests.rows()].filter(({ value }) => value > 0)).toMatchObject([
    { labels: { outcome: 'held_back' }, value: 1 },
  ])
})
