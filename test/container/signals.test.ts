import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { adminUrlOf, exitCodeOf, signal, startOrg, startProxy, urlOf } from '../support/containers.ts'

/** Resolves once the org has been asked more often than before. */
async function arrival(org: Awaited<ReturnType<typeof startOrg>>, before: number): Promise<void> {
  while ((await org.state()).apiRequests <= before);
}

test('SIGTERM lets the request in flight end, and the process ends with 0', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org)
  const { apiRequests } = await org.state()
  await org.control('delay?api=3000')
  const answer = fetch(`${urlOf(proxy)}/services/data/v67.0/limits`)
  await arrival(org, apiRequests)
  await signal(proxy, 'SIGTERM')
  expect((await answer).status).toBe(200)
  expect(await exitCodeOf(proxy)).toBe(0)
})

test('after a SIGKILL it starts again and serves', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org)
  await signal(proxy, 'SIGKILL')
  expect(await exitCodeOf(proxy)).toBe(137)
  await proxy.restart()
  expect((await fetch(`${urlOf(proxy)}/services/data/v67.0/limits`)).status).toBe(200)
  expect((await fetch(`${adminUrlOf(proxy)}/readyz`)).status).toBe(200)
})
