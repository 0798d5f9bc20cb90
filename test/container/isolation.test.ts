import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { startApp, startOrg, startProxy, urlOf } from '../support/containers.ts'

const FACTS = `
import { readFileSync, writeFileSync } from 'node:fs'
const status = readFileSync('/proc/1/status', 'utf8')
const field = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(status)[1]
const attempt = (path) => { try { writeFileSync(path, 'x'); return 'written' } catch ({ code }) { return code } }
console.log(JSON.stringify({
  uid: field('Uid'), capabilities: field('CapEff') + field('CapBnd'), noNewPrivileges: field('NoNewPrivs'),
  root: attempt('/x'), app: attempt('/app/main.mjs'), state: attempt('/var/lib/cloudaware-proxy/x'),
}))`

test('the proxy serves from a read-only root, without a capability, as nobody in particular', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org)
  const answer = await fetch(`${urlOf(proxy)}/services/data/v67.0/limits`)
  expect([answer.status, await answer.json()]).toEqual([
    200,
    expect.objectContaining({ DailyApiRequests: expect.anything() as unknown }),
  ])
  const { output } = await proxy.exec(['node', '--input-type=module', '-e', FACTS])
  expect(JSON.parse(output)).toEqual({
    uid: '65532\t65532\t65532\t65532',
    capabilities: '0'.repeat(32),
    noNewPrivileges: '1',
    root: 'EROFS',
    app: 'EROFS',
    state: 'EROFS',
  })
  const health = await proxy.exec(['cloudaware-proxy', 'wait', '--max', '2s'])
  expect(health).toMatchObject({ exitCode: 0, output: '' })
  const { exitCode } = await proxy.exec(['sh', '-c', 'true'])
  expect(exitCode).toBeGreaterThan(125)
})

test('as a sidecar only the loopback interface of its pod reaches it', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  await using proxy = await startProxy(network, org, { isPublished: false })
  const ask = (host: string) => `
    const answer = await fetch('http://${host}:8080/services/data/v67.0/limits').catch(({ cause }) => ({ status: cause.code }))
    console.log(answer.status)`
  await using neighbour = await startApp(ask('localhost'), `container:${proxy.getId()}`)
  expect(await neighbour.ended()).toEqual({ exitCode: 0, output: '200' })
  await using stranger = await startApp(ask(proxy.getIpAddress(network.getName())), network.getName())
  expect(await stranger.ended()).toEqual({ exitCode: 0, output: 'ECONNREFUSED' })
  await using admin = await startApp(
    ask(proxy.getIpAddress(network.getName())).replace('8080', '9090'),
    network.getName(),
  )
  expect(await admin.ended()).toEqual({ exitCode: 0, output: 'ECONNREFUSED' })
})
