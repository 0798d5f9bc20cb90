import { GenericContainer, Network, Wait } from 'testcontainers'
import { expect, test } from 'vitest'
import { exitCodeOf, signal, startOrg, startProxy, TOOLS_IMAGE, urlOf } from '../support/containers.ts'

test('two proxies share one token by a store, and serve on when it is killed', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using redis = await new GenericContainer(TOOLS_IMAGE)
    .withCommand(['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''])
    .withNetwork(network)
    .withNetworkAliases('redis')
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start()
  const env = { TOKEN_STORE_URL: 'redis://redis:6379' }
  await using one = await startProxy(network, org, { env })
  await using other = await startProxy(network, org, { env })
  const ask = async () => {
    const answers = await Promise.all([one, other].map((proxy) => fetch(`${urlOf(proxy)}/services/data/v67.0/limits`)))
    return answers.map(({ status }) => status)
  }
  expect(await ask()).toEqual([200, 200])
  expect((await org.state()).tokenRequests).toBe(1)

  await signal(redis, 'SIGKILL')
  expect(await exitCodeOf(redis)).toBe(137)
  await org.control('kill-sessions')
  expect(await ask()).toEqual([200, 200])
  // Each for itself.
  expect((await org.state()).tokenRequests).toBe(3)
})
