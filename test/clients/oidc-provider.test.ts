import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const CLIENT = { id: 'a client/id', secret: 's:e%cr+et& 1' }

/** An authorization server that we did not write: client credentials only, tokens that carry `expires_in`. */
async function startAuthorizationServer(method: 'client_secret_post' | 'client_secret_basic', lifeSeconds = 600) {
  const server: Server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: method,
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ttl: { ClientCredentials: lifeSeconds },
  })
  const issued: string[] = []
  provider.on('client_credentials.saved', (token: { jti: string }) => issued.push(token.jti))
  const handle = provider.callback()
  server.on('request', (request, response) => {
    void handle(request, response)
  })
  return {
    url,
    issued,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe.each([
  ['post', 'client_secret_post'],
  ['basic', 'client_secret_basic'],
] as const)('client authentication %s', (setting, method) => {
  test('a token is obtained, its expires_in believed, and the API called with it', async () => {
    await using authorization = await startAuthorizationServer(method)
    await using api = await startOriginServer((_, response) => response.end('served'))
    await using app = await startStack(
      { url: api.url, clientId: CLIENT.id, clientSecret: CLIENT.secret },
      { env: { CLOUDAWARE_TOKEN_URL: `${authorization.url}/token`, CLOUDAWARE_CLIENT_AUTH: setting } },
    )
    const reply = await ask(app.port, '/services/data/v62.0/limits')
    expect([reply.status, reply.text]).toEqual([200, 'served'])
    expect(await app.tokenEvent('obtained')).toMatchObject({ lifeSource: 'expires_in', lifeSeconds: 600 })
    expect(authorization.issued).toHaveLength(1)
    expect(api.requests[0]?.headers.authorization).toBe(`Bearer ${authorization.issued[0] ?? ''}`)
  })
})

test('a short life is renewed in the background, each time with a new value', async () => {
  await using authorization = await startAuthorizationServer('client_secret_post', 12)
  await using api = await startOriginServer((_, response) => response.end('served'))
  const clock = new FakeClock()
  await using app = await startStack(
    { url: api.url, clientId: CLIENT.id, clientSecret: CLIENT.secret },
    { clock, env: { CLOUDAWARE_TOKEN_URL: `${authorization.url}/token` } },
  )
  await app.tokenEvent('obtained')
  await clock.advance(10_000)
  await app.tokenEvent('obtained', 2)
  expect(new Set(authorization.issued).size).toBe(2)
})

test('a wrong secret is told apart from a wrong host', async () => {
  await using authorization = await startAuthorizationServer('client_secret_post')
  await using app = await startStack(
    { url: authorization.url, clientId: CLIENT.id, clientSecret: 'not the secret' },
    { env: { CLOUDAWARE_TOKEN_URL: `${authorization.url}/token` } },
  )
  expect(await app.tokenEvent('failed')).toMatchObject({
    kind: 'permanent',
    diagnosis: { summary: expect.stringMatching(/Consumer/) as string },
  })
})
