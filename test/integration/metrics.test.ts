import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { parse as parseYaml } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask, type Question } from '../support/http-client.ts'
import { readExpression, selects, TARGET_LABELS } from '../support/promql.ts'
import { seriesOf, type Series } from '../support/scrape.ts'
import { startStack } from '../support/stack.ts'

const LIMITS = '/services/data/v62.0/limits'
const HOSTS = '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c'
const KEY = { 'x-api-key': 'key-of-reports' }
const JSON_BODY = { 'content-type': 'application/json' }

type Call = Omit<Question, 'headers'> & { readonly headers?: Record<string, string> }

/** A life with everything in it: answers, refusals, dead sessions, callers who leave, failing refreshes. */
async function lived() {
  const emulator = await startEmulator({ records: 10 })
  const app = await startStack(emulator, {
    env: {
      PROXY_API_KEY: 'reports:key-of-reports,sync:key-of-sync',
      PROXY_REPLAY_LIMIT_BYTES: '16',
      TOKEN_REQUESTS_PER_HOUR: '3600',
    },
  })
  const adminPort = Number(new URL(app.adminUrl ?? '').port)
  let asked = 0
  const call = async (path: string, question: Call = {}) => {
    const { headers = KEY, ...rest } = question
    const id = `metrics-${++asked}`
    const reply = await ask(app.port, path, { ...rest, headers: { ...headers, 'x-request-id': id } })
    await app.accessLine(id)
    return reply.status
  }
  const statuses = [
    await call(LIMITS),
    await call(LIMITS, { headers: { 'x-api-key': 'key-of-sync' } }),
    await call(LIMITS, { headers: {} }),
    await call('/secur/frontdoor.jsp'),
    await call(LIMITS, { method: 'PROPFIND' }),
    await call(HOSTS, { method: 'POST', headers: { ...KEY, ...JSON_BODY }, body: '{"Name":"x"}' }),
    await call('/services/async/62.0/job/7505g00000ABCDEAA1'),
  ]
  emulator.org.apiDelayMs = 3_600_000
  const leaver = httpRequest({
    port: app.port,
    path: `${LIMITS}?leaver`,
    headers: { ...KEY, 'x-request-id': 'leaver' },
  }).end()
  leaver.on('error', () => undefined)
  while (!emulator.requests.some(({ target }) => target.endsWith('?leaver'))) await new Promise(setImmediate)
  // A FIN alone would be looked into when the clock moves.
  leaver.socket?.resetAndDestroy()
  await app.accessLine('leaver')
  emulator.org.apiDelayMs = 0
  emulator.killSessions()
  statuses.push(await call(LIMITS))
  emulator.killSessions()
  const large = { method: 'POST', headers: { ...KEY, ...JSON_BODY }, body: `{"Name":"${'x'.repeat(40)}"}` }
  statuses.push(await call(HOSTS, large))
  await app.tokenEvent('obtained', 3)
  return {
    app,
    statuses,
    scrape: async () => {
      const reply = await ask(adminPort, '/metrics')
      return { reply, series: seriesOf(reply.text) }
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
    },
  }
}

/** The sum of the series with these labels. */
function total(series: readonly Series[], name: string, labels: Record<string, string> = {}): number {
  return series
    .filter((one) => one.name === `cloudaware_proxy_${name}`)
    .filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

let life: Awaited<ReturnType<typeof lived>>

// Shared: a session that dies young is not replaced at once.
beforeAll(async () => {
  life = await lived()
})

afterAll(() => life[Symbol.asyncDispose]())

test('a scrape tells what happened', async () => {
  expect(life.statuses).toEqual([200, 200, 403, 403, expect.any(Number), 201, expect.any(Number), 200, 503])
  const { reply, series } = await life.scrape()
  expect(reply.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  const requests = (labels: Record<string, string>) => total(series, 'requests_total', labels)
  expect(requests({})).toBe(10)
  expect(requests({ method: 'GET', status_class: '2xx', caller: 'reports', family: 'rest' })).toBe(2)
  expect(requests({ caller: 'sync' })).toBe(1)
  expect(requests({ caller: 'none', status_class: '4xx' })).toBe(1)
  expect(requests({ method: 'other' })).toBe(1)
  expect(requests({ family: 'bulk1' })).toBe(1)
  expect(requests({ status_class: 'aborted' })).toBe(1)
  expect(total(series, 'requests_in_flight')).toBe(0)
  expect(total(series, 'refusals_total', { reason: 'PROXY_KEY_REQUIRED' })).toBe(1)
  expect(total(series, 'refusals_total', { reason: 'PROXY_PATH_REFUSED' })).toBe(1)
  expect(total(series, 'errors_total', { reason: 'PROXY_SESSION_REPLACED' })).toBe(1)
  expect(total(series, 'dead_sessions_total', { family: 'rest' })).toBe(2)
  expect(total(series, 'replays_total', { outcome: 'answered' })).toBe(1)
  expect(total(series, 'replays_total', { outcome: 'too_large' })).toBe(1)
  expect(total(series, 'received_bytes_total')).toBeGreaterThanOrEqual(12)
  expect(total(series, 'sent_bytes_total')).toBeGreaterThan(100)
  expect(total(series, 'request_own_seconds_count')).toBe(10)
  expect(total(series, 'request_own_seconds_bucket', { le: '+Inf' })).toBe(10)
  expect(total(series, 'request_upstream_seconds_count', { family: 'rest' })).toBeGreaterThanOrEqual(5)
  // A caller who left long before the answer: his is the time that he waited.
  expect(total(series, 'request_upstream_seconds_sum')).toBeLessThan(3600)
  expect(total(series, 'token_requests_total', { outcome: 'obtained' })).toBeGreaterThanOrEqual(2)
  expect(total(series, 'token_held')).toBe(1)
  expect(total(series, 'token_seconds_left')).toBeGreaterThan(7000)
  expect(total(series, 'token_budget_left')).toBe(3600 - total(series, 'token_requests_total'))
  expect(total(series, 'token_last_success_timestamp_seconds')).toBeGreaterThan(1_700_000_000)
  expect(total(series, 'upstream_connections_limit')).toBe(64)
  const [, used, limit] =
    /api-usage=(\d+)\/(\d+)/.exec(
      String((await ask(life.app.port, LIMITS, { headers: KEY })).headers['sforce-limit-info']),
    ) ?? []
  expect(total(series, 'api_requests_limit', { scope: 'org' })).toBe(Number(limit))
  expect(total(series, 'api_requests_used', { scope: 'org' })).toBe(Number(used) - 1)
  expect(series.some(({ name }) => name === 'process_resident_memory_bytes')).toBe(true)
  expect(series.filter(({ name }) => name === 'cloudaware_proxy_build_info')).toMatchObject([
    { labels: { version: '0.0.0-test', grant: 'client_credentials' }, value: 1 },
  ])
})

test('what is under way can be seen, on a connection and waiting for one', async () => {
  await using emulator = await startEmulator({ records: 10 })
  await using app = await startStack(emulator, { env: { UPSTREAM_CONNECTIONS: '1', DRAIN_TIMEOUT_MS: '0' } })
  await app.tokenEvent('obtained')
  emulator.org.apiDelayMs = 3_600_000
  const callers = [1, 2].map(() =>
    httpRequest({ port: app.port, path: LIMITS })
      .end()
      .on('error', () => undefined),
  )
  const adminPort = Number(new URL(app.adminUrl ?? '').port)
  const measured = async (name: string) => total(seriesOf((await ask(adminPort, '/metrics')).text), name)
  while ((await measured('requests_in_flight')) < 2) await new Promise(setImmediate)
  while ((await measured('upstream_connections')) < 1) await new Promise(setImmediate)
  expect(await measured('upstream_requests_running')).toBe(1)
  expect(await measured('upstream_requests_queued')).toBe(1)
  for (const caller of callers) caller.destroy()
})

test('failing refreshes, and the absence of a token, can be seen', async () => {
  const clock = new FakeClock()
  await using emulator = await startEmulator({ records: 10 })
  await using app = await startStack(emulator, { clock })
  await app.tokenEvent('obtained')
  // A token is not asked for again at once.
  await clock.advance(5000)
  const adminPort = Number(new URL(app.adminUrl ?? '').port)
  const scrape = async () => seriesOf((await ask(adminPort, '/metrics')).text)
  emulator.org.fail('no-run-as-user')
  await ask(adminPort, '/refresh', { method: 'POST' })
  const degraded = await scrape()
  expect(total(degraded, 'token_requests_total', { outcome: 'failed' })).toBe(1)
  expect(total(degraded, 'token_failures_in_a_row')).toBe(1)
  expect(total(degraded, 'token_held')).toBe(1)
  emulator.killSessions()
  expect((await ask(app.port, LIMITS)).status).toBe(503)
  const series = await scrape()
  expect(total(series, 'token_held')).toBe(0)
  expect(series.filter(({ name }) => name === 'cloudaware_proxy_token_age_seconds')).toEqual([])
  expect(total(series, 'replays_total', { outcome: 'failed' })).toBe(1)
})

test('the number of series does not grow with paths, methods or statuses that callers invent', async () => {
  const count = async () => (await life.scrape()).series.filter(({ name }) => name.startsWith('cloudaware_')).length
  const before = await count()
  for (let n = 0; n < 20; n++) {
    const method = ['MKCOL', 'LOCK', 'REPORT', 'SEARCH'][n % 4] ?? ''
    const id = `invented-${n}`
    await ask(life.app.port, `/services/data/v${n}.0/x${n}`, { headers: { ...KEY, 'x-request-id': id } })
    await ask(life.app.port, `${LIMITS}/${n}`, { method, headers: { ...KEY, 'x-request-id': `${id}-m` } })
    await life.app.accessLine(`${id}-m`)
  }
  expect((await count()) - before).toBeLessThanOrEqual(2)
})

test('the text holds no path, token or key', async () => {
  const { reply } = await life.scrape()
  expect(reply.text).not.toMatch(/\/services|00D\w{12}|key-of|CA10__/)
})

interface Rule {
  alert: string
  expr: string
  for: string
  labels: { severity: string }
  annotations: { summary: string; description: string }
}

function alertRules(): Rule[] {
  const text = readFileSync(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8')
  // The shape of a rule file, as Prometheus documents it.
  return (parseYaml(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)
}

function dashboardExpressions(): string[] {
  const text = readFileSync(new URL('../../deploy/grafana/cloudaware-proxy.json', import.meta.url), 'utf8')
  // The shape of a dashboard, as Grafana exports it.
  const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] }
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
}

test('dashboard and alert rules ask for nothing but what a real scrape has: names, labels and their values', async () => {
  const { series } = await life.scrape()
  const expressions = [...dashboardExpressions(), ...alertRules().map(({ expr }) => expr)]
  expect(expressions.length).toBeGreaterThan(40)
  const used = new Set<string>()
  for (const expression of expressions) {
    const { selectors, groupedBy } = readExpression(expression)
    expect(selectors).not.toEqual([])
    for (const selector of selectors) {
      // Prometheus makes this one itself.
      if (selector.metric === 'up') continue
      used.add(selector.metric)
      const selected = series.filter(({ name, labels }) => name === selector.metric && selects(selector, labels))
      expect(selected, `${selector.metric} in ${expression}`).not.toEqual([])
      for (const label of groupedBy.filter((name) => !TARGET_LABELS.has(name))) {
        expect(selected[0]?.labels, expression).toHaveProperty(label)
      }
    }
  }
  // And the other way round: what is measured is shown.
  const own = new Set(series.map(({ name }) => name).filter((name) => name.startsWith('cloudaware_proxy_')))
  expect([...own].filter((name) => !used.has(name))).toEqual([])
})

test('each alert says how bad it is, what is wrong and what to do', () => {
  const rules = alertRules()
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  for (const rule of rules) {
    expect(rule).toMatchObject({ for: expect.stringMatching(/^\d+m$/) as string })
    expect(['warning', 'critical']).toContain(rule.labels.severity)
    expect(rule.annotations.summary.length).toBeGreaterThan(20)
    expect(rule.annotations.description.length).toBeGreaterThan(40)
  }
})
