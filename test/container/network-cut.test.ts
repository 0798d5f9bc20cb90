import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { engine, startApp, startOrg, startProxy } from '../support/containers.ts'

const LANES = 16
/** So many 200 in a row on each lane are steady service. */
const IN_A_ROW = 20

/**
 * An application in the proxy's network namespace: requests one after the other on each lane, until every lane has been
 * served steadily, has been without service, and is served steadily again; then so many more. 0 stands for no answer.
 */
const load = `
const phases = ['before', 'cut', 'back', 'after']
const statuses = Object.fromEntries([...phases, 'between'].map((phase) => [phase, {}]))
const lanes = Array.from({ length: ${LANES} }, () => ({ served: 0, failed: false, count: 0 }))
const isOver = {
  before: ({ served }) => served >= ${IN_A_ROW},
  cut: ({ failed }) => failed,
  back: ({ served }) => served >= ${IN_A_ROW},
  after: ({ count }) => count >= ${IN_A_ROW},
}
let phase = phases[0]
const next = () => {
  if (!lanes.every(isOver[phase])) return
  console.log('over: ' + phase)
  phase = phases[phases.indexOf(phase) + 1]
  for (const lane of lanes) Object.assign(lane, { served: 0, failed: false, count: 0 })
}
const ask = async () => {
  const answer = await fetch('http://localhost:8080/services/data/v67.0/limits')
  await answer.arrayBuffer()
  return answer.status
}
await Promise.all(lanes.map(async (lane) => {
  while (phase !== undefined) {
    const begun = phase
    const status = await ask().catch(() => 0)
    const counts = statuses[begun === phase ? phase : 'between']
    counts[status] = (counts[status] ?? 0) + 1
    if (begun === phase) {
      lane.count += 1
      lane.served = status === 200 ? lane.served + 1 : 0
      lane.failed ||= status !== 200
      next()
    }
    // Errors come fast: not so many that they fill the log.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}))
console.log(JSON.stringify(statuses))`

test('while the network to the org is cut every request gets an answer, and once it is back every request is served', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org, {
    isPublished: false,
    env: { UPSTREAM_TIMEOUT_MS: '2000', UPSTREAM_CONNECT_TIMEOUT_MS: '1000' },
  })
  const cable = (await engine()).getNetwork(network.getId())
  await using app = await startApp(load, `container:${proxy.getId()}`)
  await expect.poll(() => app.printed()).toContain('over: before')
  await cable.disconnect({ Container: proxy.getId(), Force: true })
  // Every lane without service: none hangs, and none is broken off without a word.
  await expect.poll(() => app.printed()).toContain('over: cut')
  await cable.connect({ Container: proxy.getId() })

  const { output } = await app.ended()
  const statuses = JSON.parse(output.split('\n').at(-1) ?? '') as Record<string, Record<string, number>> // what it prints
  const { before, after, ...meanwhile } = statuses
  expect(keys(before)).toEqual(['200'])
  for (const status of Object.values(meanwhile).flatMap(keys)) expect(['200', '502', '504']).toContain(status)
  expect(keys(after)).toEqual(['200'])
})

function keys(counts: Readonly<Record<string, number>> = {}): string[] {
  return Object.keys(counts)
}
