import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { exitCodeOf, signal, startApp, startOrg, startProxy } from '../support/containers.ts'

const JOB = `
  const { status } = await fetch('http://localhost:8080/services/data/v67.0/limits')
  console.log(status)`

test('a job that asks its proxy to quit leaves nothing running', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org, { isPublished: false, env: { ADMIN_ALLOW_QUIT: 'true' } })
  await using job = await startApp(
    `${JOB}
    const quit = await fetch('http://localhost:9090/quitquitquit', { method: 'POST' })
    console.log(quit.ok)`,
    `container:${proxy.getId()}`,
  )
  expect(await job.ended()).toEqual({ exitCode: 0, output: '200\ntrue' })
  expect(await exitCodeOf(proxy)).toBe(0)
})

test('a native sidecar is ended by the kubelet once the job is done, which is a success too', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org, { isPublished: false })
  await using job = await startApp(JOB, `container:${proxy.getId()}`)
  expect(await job.ended()).toEqual({ exitCode: 0, output: '200' })
  await signal(proxy, 'SIGTERM')
  expect(await exitCodeOf(proxy)).toBe(0)
})
