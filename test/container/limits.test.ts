import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { startOrg } from '../support/containers.ts'
import { limitedProxy, measureLimited } from '../support/limited-container.ts'

test('half a processor and 128 MiB carry a minute of 100 requests a second, with the health check six times as often', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  const measured = await measureLimited({
    network,
    org,
    ...limitedProxy(),
    load: { requests: 6000, rate: 100, openAtMost: 100 },
  })
  expect(measured).toMatchObject({ oomKills: 0, isRunning: true, restarts: 0, health: 'healthy' })
  expect(measured.statuses).toEqual({ 200: 6000 })
})
