import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { seriesOf } from '../support/scrape.ts'

const CALLERS = 1000
const LIMITS = '/services/data/v62.0/limits'
const HOSTS = '/services/data/v62.0/sobjects/CA10__CaAwsInstance__c'

/** A caller with a connection of its own; every other one writes a record. Resolves to the status of the answer. */
async function call(port: number, index: number): Promise<number> {
  if (index % 2 === 0) return (await ask(port, LIMITS)).status
  const headers = { 'content-type': 'application/json' }
  return (await ask(port, HOSTS, { method: 'POST', headers, body: JSON.stringify({ Name: `caller ${index}` }) })).status
}

const EXPECTED = Array.from({ length: CALLERS }, (_, index) => (index % 2 === 1 ? 201 : 200))

/** An org whose answers wait for its clock, and the proxy in front of it. */
async function setUp() {
  const clock = new FakeClock()
  const stack = await startDemoOrg({ clock, records: 10 })
  const { app, emulator } = stack
  return {
    app,
    org: emulator.org,
    clock,
    callers: () => Array.from({ length: CALLERS }, (_, index) => call(app.port, index)),
    /** Resolves once the proxy serves that many requests. */
    async inFlight(count: number) {
      // A scrape costs as much as ten requests: a poll without a pause would take the time of those it waits for.
      const inFlight = async () => {
        const series = seriesOf(await (await fetch(`${app.adminUrl}/metrics`)).text())
        return series.find(({ name }) => name === 'cloudaware_proxy_requests_in_flight')?.value
      }
      await expect.poll(inFlight, { interval: 200 }).toBe(count)
    },
    async records() {
      const query = `/services/data/v62.0/query?q=${encodeURIComponent("SELECT COUNT() FROM CA10__CaAwsInstance__c WHERE Name LIKE 'caller %'")}`
      const answer = await fetch(app.url + query)
      return answer.json()
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

test('a thousand callers at a cold start cost one token request, and all are answered', async () => {
  await using stack = await setUp()
  stack.org.mintDelayMs = 1000
  const callers = stack.callers()
  await stack.inFlight(CALLERS)
  await stack.clock.advance(1000)
  expect(await Promise.all(callers)).toEqual(EXPECTED)
  expect(stack.org.tokenRequests).toBe(1)
  expect(stack.app.tokenEvents.map(({ type }) => type)).toEqual(['requested', 'obtained'])
  expect(await stack.records()).toMatchObject({ totalSize: CALLERS / 2 })
})

test('a thousand callers whose session dies under them cost one token request, and all are answered, none twice', async () => {
  await using stack = await setUp()
  await stack.app.tokenEvent('obtained')
  stack.org.apiDelayMs = 1000
  const callers = stack.callers()
  await stack.inFlight(CALLERS)
  stack.org.killSessions()
  stack.org.apiDelayMs = 0
  await stack.clock.advance(1000)
  expect(await Promise.all(callers)).toEqual(EXPECTED)
  expect(stack.org.tokenRequests).toBe(2)
  expect(stack.app.tokenEvents.map(({ type }) => type)).toEqual([
    'requested',
    'obtained',
    'refused',
    'requested',
    'obtained',
  ])
  expect(await stack.records()).toMatchObject({ totalSize: CALLERS / 2 })
})
