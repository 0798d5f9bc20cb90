import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { buildConnector } from 'undici'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { startEmulator, type Emulator } from '../../src/emulator/emulator.ts'
import { COMPILE_CACHE } from '../support/child-cli.ts'
import type { AccessToken } from '../../src/token/token-source.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { createUpstream } from '../../src/upstream/dispatcher.ts'
import { confirmsAs } from '../support/confirmation.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v62.0/limits'
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** The program itself: NODE_EXTRA_CA_CERTS is read when a process begins. Resolves with the port of the proxy. */
async function startProcess(org: Emulator, env: Record<string, string>, cwd: string) {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd,
    env: {
      ...COMPILE_CACHE,
      CLOUDAWARE_URL: org.url,
      CLOUDAWARE_CLIENT_ID: org.clientId,
      CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let url = ''
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; url?: string } // pino writes objects
    if (said.msg !== 'listening') continue
    url = said.url ?? ''
    break
  }
  child.stdout.resume()
  return {
    port: Number(new URL(url).port),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'close')
      child.kill()
      await ended
    },
  }
}

test('NODE_EXTRA_CA_CERTS is trusted, beside CLOUDAWARE_CA_FILE too; without it the org gets nothing', async () => {
  const certificate = await selfSignedCertificate()
  await using org = await startEmulator({ records: 20, tls: certificate })
  await using directory = await temporaryDirectory()
  const [extra, other] = [directory.file('extra.pem'), directory.file('other.pem')]
  await writeFile(extra, certificate.cert)
  await writeFile(other, (await selfSignedCertificate()).cert)
  {
    await using neither = await startProcess(org, { CLOUDAWARE_CA_FILE: other, TOKEN_WAIT_MS: '500' }, directory.path)
    expect((await ask(neither.port, LIMITS)).status).toBe(503)
    expect(org.requests).toEqual([])
  }
  for (const env of [{}, { CLOUDAWARE_CA_FILE: other }]) {
    await using proxy = await startProcess(org, { NODE_EXTRA_CA_CERTS: extra, ...env }, directory.path)
    expect((await ask(proxy.port, LIMITS)).status).toBe(200)
  }
})

test.each(['http', 'https'])('an org on an IPv6 address is reached by %s', async (scheme) => {
  const tls = scheme === 'https' ? await selfSignedCertificate() : undefined
  await using org = await startEmulator({ records: 20, host: '::1', tls })
  expect(org.url).toBe(`${scheme}://[::1]:${org.port}`)
  await using app = await startStack(org, { ...(tls && { ca: tls.cert }) })
  expect((await ask(app.port, LIMITS)).status).toBe(200)
})

/** The same port on two addresses of loopback, each saying which it is. */
async function twoAddresses() {
  const servers = ['127.0.0.1', '127.0.0.2'].map((address) => ({
    address,
    server: createServer((_, response) => response.end(address)),
  }))
  let port = 0
  for (const { address, server } of servers) {
    server.listen(port, address)
    await once(server, 'listening')
    const bound = server.address()
    if (typeof bound === 'object' && bound !== null) ({ port } = bound)
  }
  return {
    port,
    [Symbol.dispose]() {
      for (const { server } of servers) server.close().closeAllConnections()
    },
  }
}

test('a new address in DNS is met although the old one still serves and its connection is alive', async () => {
  using hosts = await twoAddresses()
  let address = '127.0.0.1'
  const connector = buildConnector({
    lookup: (_host, { all }, callback) => {
      if (all === true) callback(null, [{ address, family: 4 }])
      else callback(null, address, 4)
    },
  })
  const token: AccessToken = {
    value: 'token',
    fingerprint: 'print',
    format: 'opaque',
    instanceUrl: undefined,
    identityUrl: undefined,
    obtainedAt: 0,
  }
  const upstream = createUpstream({
    tokens: { get: () => token, retire: () => undefined },
    confirmation: confirmsAs('alive'),
    originFor: () => `http://org.test:${hosts.port}`,
    connector,
    connections: 1,
    queueLimit: 1,
    queueTimeoutMs: 1000,
    clock: systemClock,
    connectionLifeMs: 20,
    timeoutMs: 5000,
    replayLimitBytes: 0,
    bodyMemory: BodyMemory.forLimit(0),
    onEvent: () => undefined,
  })
  const answeredBy = async () => {
    const { body } = await upstream.dispatcher.request({ origin: 'http://x', path: '/', method: 'GET', headers: [] })
    return body.text()
  }
  expect(await answeredBy()).toBe('127.0.0.1')
  address = '127.0.0.2'
  const seen = new Set<string>()
  while (!seen.has('127.0.0.2')) seen.add(await answeredBy())
  await upstream.destroy()
})
