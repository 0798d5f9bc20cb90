import { setTimeout as passed } from 'node:timers/promises'
import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { engine, startApp, startOrg, startProxy } from '../support/containers.ts'

/** What became of a request: when it began and ended, in epoch milliseconds, and its status; 0 where no answer came. */
type Outcome = readonly [from: number, status: number, to: number]

/** A lookup that hangs cannot be called off: the resolver gives it up after 5 s, and the connection for it has a second more. */
const RECOVERY_MS = 7000
const STEADY_MS = 3000

/** An application in the proxy's network namespace: requests one after the other on each of 16 lanes, for so long. */
const load = (durationMs: number) => `
const outcomes = []
const until = Date.now() + ${durationMs}
const ask = async () => {
  const answer = await fetch('http://localhost:8080/services/data/v67.0/limits')
  await answer.arrayBuffer()
  return answer.status
}
await Promise.all(Array.from({ length: 16 }, async () => {
  while (Date.now() < until) {
    outcomes.push([Date.now(), await ask().catch(() => 0), Date.now()])
    // Refusals come fast: not so many that they fill the log.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}))
console.log(JSON.stringify(outcomes))`

function statuses(outcomes: readonly Outcome[]): number[] {
  return [...new Set(outcomes.map(([, status]) => status))].sort()
}

test('while the network to the org is cut every request gets an answer, and once it is back every request is served', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org, {
    isPublished: false,
    env: { UPSTREAM_TIMEOUT_MS: '2000', UPSTREAM_CONNECT_TIMEOUT_MS: '1000' },
  })
  const cable = (await engine()).getNetwork(network.getId())
  // The cut takes as long as being steady; starting it all takes a moment.
  await using app = await startApp(load(3 * STEADY_MS + RECOVERY_MS + STEADY_MS), `container:${proxy.getId()}`)
  await passed(STEADY_MS)
  const cutAt = Date.now()
  await cable.disconnect({ Container: proxy.getId(), Force: true })
  await passed(STEADY_MS)
  await cable.connect({ Container: proxy.getId() })
  const backAt = Date.now()

  const outcomes = JSON.parse((await app.ended()).output) as Outcome[]
  const before = outcomes.filter(([, , to]) => to < cutAt)
  const during = outcomes.filter(([from, , to]) => to >= cutAt && from < backAt + RECOVERY_MS)
  const after = outcomes.filter(([from]) => from >= backAt + RECOVERY_MS)
  expect(before.length).toBeGreaterThan(16)
  expect(statuses(before)).toEqual([200])
  // Nothing hangs, and nothing is broken off without a word.
  for (const [from, status, to] of during) {
    expect([200, 502, 504]).toContain(status)
    expect(to - from).toBeLessThan(10_000)
  }
  expect(statuses(during)).not.toEqual([200])
  expect(after.length).toBeGreaterThan(16)
  expect(statuses(after)).toEqual([200])
})
