import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { jwtVerify } from 'jose'
import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { clientCredentialsGrant } from '../../src/token/client-credentials.ts'
import { introspection } from '../../src/token/introspection.ts'
import { jwtBearerGrant } from '../../src/token/jwt-bearer.ts'
import { createTokenKeeper } from '../../src/token/keeper.ts'
import { fixedSecret } from '../../src/token/secret-source.ts'
import type { TokenEvent } from '../../src/token/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { TokenEndpoint } from '../support/token-endpoint.ts'

const never = new AbortController().signal

async function setUp(clientAuth: 'post' | 'basic' = 'post') {
  const endpoint = await new TokenEndpoint().listen()
  const dispatcher = new Agent()
  const { origin } = endpoint
  const common = {
    dispatcher,
    now: () => Date.UTC(2026, 0, 1),
    clientId: fixedSecret('CLOUDAWARE_CLIENT_ID', ' key:one \n'),
    configuredUrl: origin,
    trustedHosts: [],
    tokenUrl: `${origin}/services/oauth2/token?x=1`,
  }
  const credentials = { ...common, clientSecret: fixedSecret('CLOUDAWARE_CLIENT_SECRET', '\tp&ss w%rd\n'), clientAuth }
  return {
    endpoint,
    common,
    grant: clientCredentialsGrant(credentials),
    introspect: introspection({ ...credentials, introspectUrl: `${origin}/services/oauth2/introspect` }),
    async [Symbol.asyncDispose]() {
      await dispatcher.close()
      await endpoint[Symbol.asyncDispose]()
    },
  }
}

test('the client credentials travel in the form, trimmed, and no scope with them', async () => {
  await using org = await setUp()
  expect(await org.grant.request(never)).toMatchObject({ value: '00D!token', format: 'opaque' })
  expect(org.endpoint.received).toMatchObject([
    {
      method: 'POST',
      url: '/services/oauth2/token?x=1',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', connection: 'close' },
      form: { grant_type: 'client_credentials', client_id: 'key:one', client_secret: 'p&ss w%rd' },
    },
  ])
  expect(Object.keys(org.endpoint.received[0]?.form ?? {})).toHaveLength(3)
  expect(org.endpoint.received[0]?.headers.authorization).toBeUndefined()
})

test('the client credentials travel as Basic, each form-urlencoded first', async () => {
  await using org = await setUp('basic')
  await org.grant.request(never)
  const [request] = org.endpoint.received
  expect(request?.form).toEqual({ grant_type: 'client_credentials' })
  const [scheme, credentials = ''] = request?.headers.authorization?.split(' ') ?? []
  expect(scheme).toBe('Basic')
  expect(Buffer.from(credentials, 'base64').toString()).toBe('key%3Aone:p%26ss+w%25rd')
})

test('an instance_url is adopted where it is the configured host, and reported where it is not', async () => {
  await using org = await setUp()
  const { origin } = org.endpoint
  org.endpoint.answerJson(200, { access_token: 'a', instance_url: origin })
  expect(await org.grant.request(never)).toMatchObject({ instanceUrl: origin, refusedInstanceUrl: undefined })
  org.endpoint.answerJson(200, { access_token: 'a', instance_url: 'https://evil.example' })
  expect(await org.grant.request(never)).toMatchObject({
    instanceUrl: undefined,
    refusedInstanceUrl: 'https://evil.example',
  })
})

test('a redirect is not followed, and names both hosts', async () => {
  await using org = await setUp()
  await using elsewhere = await new TokenEndpoint().listen()
  org.endpoint.answering = (response) => response.writeHead(307, { location: `${elsewhere.origin}/x` }).end()
  await expect(org.grant.request(never)).rejects.toMatchObject({
    kind: 'permanent',
    error: 'redirected',
    description: `${org.endpoint.origin} redirects to ${elsewhere.origin}`,
  })
  expect(elsewhere.received).toEqual([])
})

test('an answer above 64 KiB is not read to its end', async () => {
  await using org = await setUp()
  const piece = 'x'.repeat(16_384)
  let written = 0
  org.endpoint.answering = (response) => {
    const write = () => {
      while (!response.destroyed && response.write(piece)) written += piece.length
    }
    response.on('drain', write)
    write()
  }
  await expect(org.grant.request(never)).rejects.toMatchObject({ kind: 'transient', error: 'oversized_answer' })
  expect(written).toBeLessThan(50_000_000)
})

test('an answer broken off is a transient failure', async () => {
  await using org = await setUp()
  org.endpoint.answering = (response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"access_token":', () => response.destroy())
  }
  await expect(org.grant.request(never)).rejects.toMatchObject({
    kind: 'transient',
    error: expect.stringMatching(/^UND_ERR_/) as string,
  })
})

test('a refused connection says so', async () => {
  await using org = await setUp()
  await org.endpoint[Symbol.asyncDispose]()
  org.endpoint[Symbol.asyncDispose] = () => Promise.resolve()
  await expect(org.grant.request(never)).rejects.toMatchObject({ kind: 'transient', error: 'ECONNREFUSED' })
})

test('a refused secret is named by its setting and fingerprint, and an endpoint that echoes it is not quoted', async () => {
  await using org = await setUp()
  org.endpoint.answerJson(400, { error: 'invalid_client', error_description: 'I was sent p&ss w%rd' })
  await expect(org.grant.request(never)).rejects.toMatchObject({
    kind: 'permanent',
    error: 'invalid_client',
    description: 'I was sent …',
    secret: { name: 'CLOUDAWARE_CLIENT_SECRET', fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string },
  })
})

test('an empty secret is an error without a request', async () => {
  await using org = await setUp()
  const grant = clientCredentialsGrant({ ...org.common, clientSecret: fixedSecret('S', ' \n'), clientAuth: 'post' })
  await expect(grant.request(never)).rejects.toMatchObject({ error: 'secret_unreadable', description: 'S is empty' })
  expect(org.endpoint.received).toEqual([])
})

test('a JWT expires by the Date of the answer, whatever the clock here says', async () => {
  await using org = await setUp()
  const claims = Buffer.from(JSON.stringify({ exp: Date.UTC(2030, 5, 1, 1) / 1000 })).toString('base64url')
  org.endpoint.answering = (response) => {
    response.setHeader('date', new Date(Date.UTC(2030, 5, 1)).toUTCString())
    response.end(JSON.stringify({ access_token: `eyJhbGciOiJIUzI1NiJ9.${claims}.c2ln` }))
  }
  expect((await org.grant.request(never)).statedLife).toEqual({ ms: 3_600_000, source: 'jwt' })
  org.endpoint.answering = (response) => {
    response.sendDate = false
    response.end(JSON.stringify({ access_token: `eyJhbGciOiJIUzI1NiJ9.${claims}.c2ln` }))
  }
  expect((await org.grant.request(never)).statedLife?.ms).toBe(86_400_000)
})

test.each(['pkcs1', 'pkcs8'] as const)(
  'a JWT bearer assertion is signed with a %s key and holds three minutes',
  async (type) => {
    await using org = await setUp()
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const grant = jwtBearerGrant({
      ...org.common,
      privateKey: fixedSecret('CLOUDAWARE_JWT_KEY_FILE', privateKey.export({ type, format: 'pem' })),
      username: 'api@acme.example',
      audience: 'https://login.salesforce.com',
    })
    expect(grant.name).toBe('jwt_bearer')
    expect((await grant.request(never)).value).toBe('00D!token')
    const form = org.endpoint.received[0]?.form
    expect(Object.keys(form ?? {})).toEqual(['grant_type', 'assertion'])
    expect(form?.grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    const currentDate = new Date(org.common.now())
    const { payload, protectedHeader } = await jwtVerify(form?.assertion ?? '', publicKey, { currentDate })
    expect(protectedHeader).toEqual({ alg: 'RS256' })
    expect(payload).toEqual({
      iss: 'key:one',
      sub: 'api@acme.example',
      aud: 'https://login.salesforce.com',
      exp: org.common.now() / 1000 + 180,
    })
  },
)

test.each([
  ['no key at all', 'a password'],
  [
    'an elliptic key',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  ],
])('%s is refused without a request', async (_, pem) => {
  await using org = await setUp()
  const privateKey = fixedSecret('CLOUDAWARE_JWT_KEY_FILE', pem)
  const grant = jwtBearerGrant({ ...org.common, privateKey, username: 'u', audience: 'a' })
  await expect(grant.request(never)).rejects.toMatchObject({ kind: 'permanent', error: 'unreadable_private_key' })
  expect(org.endpoint.received).toEqual([])
})

test.each(['post', 'basic'] as const)('introspection tells the life left (%s)', async (clientAuth) => {
  await using org = await setUp(clientAuth)
  org.endpoint.answering = (response) => {
    response.setHeader('date', new Date(1_800_000_000_000).toUTCString())
    response.end(JSON.stringify({ active: true, exp: 1_800_000_900 }))
  }
  expect(await org.introspect('the-token', never)).toBe(900_000)
  expect(org.endpoint.received[0]).toMatchObject({
    url: '/services/oauth2/introspect',
    form: { token: 'the-token', token_type_hint: 'access_token' },
  })
  expect(org.endpoint.received[0]?.headers.authorization === undefined).toBe(clientAuth === 'post')
})

test.each([{ active: false }, { active: true }, { exp: 1 }, { active: 'true', exp: 9_999_999_999 }])(
  'introspection that answers %j says nothing',
  async (body) => {
    await using org = await setUp()
    org.endpoint.answerJson(200, body)
    await expect(org.introspect('the-token', never)).rejects.toMatchObject({ error: 'token_not_described' })
  },
)

test('introspection that the app may not use is a classified failure', async () => {
  await using org = await setUp()
  org.endpoint.answerJson(401, { error: 'invalid_client', error_description: 'invalid client credentials' })
  await expect(org.introspect('the-token', never)).rejects.toMatchObject({ error: 'invalid_client', kind: 'permanent' })
})

test('a login host that accepts and says nothing is given up after thirty seconds, its connection closed', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  await using dispatcher = { agent: new Agent(), [Symbol.asyncDispose]: () => dispatcher.agent.close() }
  await using org = await setUp()
  const clock = new FakeClock()
  const events: TokenEvent[] = []
  const failed = Promise.withResolvers<TokenEvent>()
  const url = `http://127.0.0.1:${port}`
  const keeper = createTokenKeeper({
    grant: clientCredentialsGrant({
      ...org.common,
      tokenUrl: url,
      configuredUrl: url,
      clientSecret: fixedSecret('S', 's'),
      clientAuth: 'post',
      dispatcher: dispatcher.agent,
    }),
    clock,
    waitMs: 10_000,
    confirm: () => Promise.resolve('dead'),
    hasWorked: () => false,
    lifetimeSeconds: 7200,
    requestsPerHour: 60,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'failed') failed.resolve(event)
    },
  })
  keeper.start()
  const [socket] = (await once(server, 'connection')) as [Socket]
  socket.resume()
  const closed = once(socket, 'close')
  await clock.advance(30_000)
  expect(await failed.promise).toMatchObject({ error: 'timeout', diagnosis: { code: 'login-host-timeout' } })
  await closed
  await keeper.close()
  server.close()
})
