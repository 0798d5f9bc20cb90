import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startConnectProxy, type ConnectProxy } from '../support/connect-proxy.ts'
import { ask } from '../support/http-client.ts'
import { startStack, type StackOptions } from '../support/stack.ts'

/** No such name is asked of DNS: who gets there went through the proxy. */
const HOST = 'acme.test'
const LIMITS = '/services/data/v62.0/limits'
const certificate = await selfSignedCertificate(HOST)

const startOrg = () => startEmulator({ records: 20, tls: certificate })
type Org = Awaited<ReturnType<typeof startOrg>>

/** The proxy as it runs in a company: the org is known by a name that only the company's proxy resolves. */
function startBehind(org: Org, address: string, { env = {}, ...options }: StackOptions = {}) {
  const { clientId, clientSecret } = org
  return startStack(
    { url: `https://${HOST}`, clientId, clientSecret },
    { ca: certificate.cert, env: { HTTPS_PROXY: address, ...env }, ...options },
  )
}

const withCredentials = ({ url }: ConnectProxy, pair: string) => url.replace('://', `://${pair}@`)

describe('HTTPS_PROXY', () => {
  test('carries token requests and the API in tunnels, verified from end to end', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port })
    await using app = await startBehind(org, proxy.url)
    const reply = await ask(app.port, LIMITS, { headers: { 'x-twice': ['a', 'b'] } })
    expect(reply.status).toBe(200)
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([`${HOST}:443`, `${HOST}:443`])
    expect(proxy.asked[0]?.headers).toEqual({ host: `${HOST}:443`, connection: 'close' })
    expect(
      org.requests.map(({ rawHeaders }) => rawHeaders[rawHeaders.findIndex((name) => /^host$/i.test(name)) + 1]),
    ).toEqual([HOST, HOST])
    expect(org.requests[1]?.rawHeaders.filter((text) => text === 'x-twice')).toHaveLength(2)
    expect(app.log()).toContain('https goes through the company proxy')
  })

  test('gets its user name and password, and the org never does', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port })
    await using app = await startBehind(org, withCredentials(proxy, 'm%C3%BCller:p%40ss'))
    expect((await ask(app.port, LIMITS)).status).toBe(200)
    const basic = `Basic ${Buffer.from('müller:p@ss').toString('base64')}`
    expect(proxy.asked.map(({ headers }) => headers['proxy-authorization'])).toEqual([basic, basic])
    expect(org.requests).toHaveLength(2)
    expect(org.requests.flatMap(({ rawHeaders }) => rawHeaders).join()).not.toMatch(/proxy-authorization/i)
    expect(app.log()).not.toMatch(/p%40ss|p@ss/)
    const status = await (await fetch(`${String(app.adminUrl)}/status`)).text()
    expect(status).not.toMatch(/p%40ss|p@ss/)
  })

  test('may itself speak TLS, if its certificate is trusted', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port, tls: certificate })
    await using app = await startBehind(org, withCredentials(proxy, 'only-a-name'))
    expect((await ask(app.port, LIMITS)).status).toBe(200)
    expect(proxy.asked[0]?.headers['proxy-authorization']).toBe(`Basic ${btoa('only-a-name:')}`)

    await using stranger = await startConnectProxy({ port: org.port, tls: await selfSignedCertificate() })
    await using careful = await startBehind(org, stranger.url)
    await careful.tokenEvent('failed')
    expect(stranger.asked).toEqual([])
  })

  test('that inspects TLS with a certificate nobody trusts learns nothing', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port })
    const { clientId, clientSecret } = org
    await using app = await startStack(
      { url: `https://${HOST}`, clientId, clientSecret },
      { env: { HTTPS_PROXY: proxy.url } },
    )
    const failure = await app.tokenEvent('failed')
    expect(failure).toMatchObject({ diagnosis: { code: 'certificate-untrusted' } })
    expect(org.requests).toEqual([])
  })

  test('a connection that it dropped while idle costs a second try, on one connection at a time', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port })
    await using app = await startBehind(org, proxy.url, { env: { UPSTREAM_CONNECTIONS: '1' } })
    await Promise.all([ask(app.port, LIMITS), ask(app.port, LIMITS), ask(app.port, LIMITS)])
    expect(proxy.asked).toHaveLength(2) // one of the two was the token's
    proxy.cut()
    expect((await ask(app.port, LIMITS)).status).toBe(200)
    expect(proxy.asked).toHaveLength(3)
  })
})

describe('a company proxy that gives no tunnel', () => {
  test.each([
    ['407 Proxy Authentication Required', 'company-proxy-credentials'],
    ['403 Forbidden', 'company-proxy-refuses'],
    ['503 Service Unavailable', 'company-proxy-refuses'],
  ])('and answers %s is diagnosed: %s', async (refuses, code) => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port, refuses })
    await using app = await startBehind(org, proxy.url, { env: { TOKEN_WAIT_MS: '100' } })
    expect(await app.tokenEvent('failed')).toMatchObject({ diagnosis: { code } })
    expect(org.requests).toEqual([])
  })

  test('because it is not there is diagnosed', async () => {
    await using org = await startOrg()
    const proxy = await startConnectProxy({ port: org.port })
    await proxy[Symbol.asyncDispose]()
    await using app = await startBehind(org, proxy.url)
    expect(await app.tokenEvent('failed')).toMatchObject({ diagnosis: { code: 'company-proxy-unreachable' } })
  })

  test('and says nothing is given up after UPSTREAM_CONNECT_TIMEOUT_MS', async () => {
    await using org = await startOrg()
    await using proxy = await startConnectProxy({ port: org.port, refuses: null })
    await using app = await startBehind(org, proxy.url, { env: { UPSTREAM_CONNECT_TIMEOUT_MS: '50' } })
    expect(await app.tokenEvent('failed')).toMatchObject({ error: 'HTTPS_PROXY_TIMEOUT' })
  })

  test('for the API alone is 502, by name', async () => {
    await using org = await startOrg()
    await using login = await startEmulator({ records: 20 })
    await using proxy = await startConnectProxy({ port: org.port, refuses: '403 Forbidden' })
    await using app = await startStack(login, {
      env: { HTTPS_PROXY: proxy.url, CLOUDAWARE_API_URL: 'https://api.test' },
    })
    const reply = await ask(app.port, LIMITS)
    expect([reply.status, reply.text]).toEqual([502, expect.stringContaining('(HTTPS_PROXY_403)')])
    expect(proxy.asked.map(({ authority }) => authority)).toEqual(['api.test:443'])
  })
})

test('what NO_PROXY names is reached directly, and so is loopback', async () => {
  await using org = await startOrg()
  await using proxy = await startConnectProxy({ port: org.port })
  await using named = await startBehind(org, proxy.url, { env: { NO_PROXY: 'example.com,.test' } })
  await named.tokenEvent('failed')
  await using local = await startStack(
    { url: org.url, clientId: org.clientId, clientSecret: org.clientSecret },
    { ca: certificate.cert, env: { HTTPS_PROXY: proxy.url } },
  )
  expect((await ask(local.port, LIMITS)).status).toBe(200)
  expect(proxy.asked).toEqual([])
})
