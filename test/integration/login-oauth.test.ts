import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { askToken, tokenFields } from '../support/login-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { head } from '../support/raw-bytes.ts'
import { openRaw } from '../support/raw-http.ts'
import { startStack } from '../support/stack.ts'

const LIMITS = '/services/data/v62.0/limits'
const JWT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const MADE_UP = 'made-up-pass+word'

test.each([
  ['password', { username: 'anybody', password: MADE_UP, client_id: 'x', client_secret: 'y' }],
  ['client_credentials', { client_id: 'x', client_secret: MADE_UP }],
  ['refresh_token', { refresh_token: MADE_UP, client_id: 'x' }],
  [JWT, { assertion: `eyJhbGciOiJSUzI1NiJ9.${MADE_UP}.x` }],
])('a login by %s gets a placeholder, and what it showed goes nowhere', async (grant, credentials) => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  await app.tokenEvent('obtained')
  const before = emulator.requests.length
  const askedAt = Date.now()
  const reply = await askToken(app.port, { grant_type: grant, ...credentials })
  expect(reply.status).toBe(200)
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json;charset=UTF-8',
    'cache-control': 'no-store',
    'proxy-status': expect.stringMatching(/^cloudaware-proxy; details=/) as string,
  })
  const { orgId, userId } = emulator.org
  const fields = tokenFields(reply)
  expect(fields).toMatchObject({
    access_token: expect.stringMatching(/^(00D\w{12,15})![.\w]*$/) as string,
    instance_url: app.url,
    id: `${app.url}/id/${orgId}/${userId}`,
    token_type: 'Bearer',
    scope: 'api',
  })
  expect(fields.access_token?.split('!')[0]).toBe(orgId.slice(0, 15))
  expect(Number(fields.issued_at)).toBeGreaterThanOrEqual(askedAt)
  expect(Number(fields.issued_at)).toBeLessThanOrEqual(Date.now())
  const secret = 'client_secret' in credentials ? credentials.client_secret : ''
  const signed = createHmac('sha256', secret).update(`${String(fields.id)}${String(fields.issued_at)}`)
  expect(fields.signature).toBe(signed.digest('base64'))
  expect(emulator.requests.length).toBe(before)
  expect(app.log()).not.toContain(MADE_UP)
  const authorization = `Bearer ${String(fields.access_token)}`
  expect((await ask(app.port, LIMITS, { headers: { authorization } })).status).toBe(200)
})

test('as JSON, in the query, with doubled slashes and below the path of a site', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { port } = demo.app
  const password = { grant_type: 'password', username: 'a', password: MADE_UP }
  const answers = await Promise.all([
    ask(port, '/services/oauth2/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(password),
    }),
    ask(port, `/services/oauth2/token?${new URLSearchParams(password).toString()}`, { method: 'POST' }),
    askToken(port, password, { path: '//services/oauth2/token' }),
    askToken(port, password, { path: '/services/oauth2/token/' }),
    askToken(port, password, { path: '/partners/s/services/oauth2/token' }),
    askToken(port, password, { path: '/Services/OAuth2/Token' }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
  expect(new Set(answers.map((reply) => tokenFields(reply).access_token)).size).toBe(1)
  await demo.app.accessLine(String(answers[1].headers['x-request-id']))
  expect(demo.app.log()).not.toContain('made-up')
  expect(JSON.stringify(demo.emulator.requests)).not.toContain('made-up')
})

test.each([
  ['no grant', {}, 'unsupported_grant_type', 'grant type not supported'],
  ['an unknown grant', { grant_type: 'magic' }, 'unsupported_grant_type', 'grant type not supported'],
  ['the device flow', { response_type: 'device_code' }, 'unsupported_grant_type', 'no login page'],
])('%s is refused as RFC 6749 says', async (_what, form, error, description) => {
  await using demo = await startDemoOrg({ records: 5 })
  const reply = await askToken(demo.app.port, form)
  expect(reply.status).toBe(400)
  expect(reply.json()).toMatchObject({ error, error_description: expect.stringContaining(description) as string })
})

test.each([
  ['a GET', { method: 'GET' }, 'must use HTTP POST'],
  ['a repeated parameter', { body: 'grant_type=password&grant_type=password' }, 'repeated'],
  ['malformed JSON', { body: '{"grant_type":' }, 'no JSON object'],
  ['a list', { body: '["password"]', headers: { 'content-type': 'application/json' } }, 'no JSON object'],
  ['a body beyond all measure', { body: `x=${'y'.repeat(70_000)}` }, 'too large'],
  ['a compressed body', { body: 'x', headers: { 'content-encoding': 'gzip' } }, 'without Content-Encoding'],
])('%s is refused, and the connection goes on', async (_what, question, problem) => {
  await using demo = await startDemoOrg({ records: 5 })
  const reply = await ask(demo.app.port, '/services/oauth2/token', { method: 'POST', ...question })
  expect(reply.status).toBe(400)
  expect(reply.json()).toMatchObject({
    error: 'invalid_request',
    error_description: expect.stringContaining(problem) as string,
  })
})

test('a revoked placeholder ends nothing', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  const { access_token = '' } = tokenFields(await askToken(app.port, { grant_type: 'password' }))
  const asked = [
    await ask(app.port, '/services/oauth2/revoke', { method: 'POST', body: `token=${access_token}` }),
    await ask(app.port, `/services/oauth2/revoke?token=${access_token}`),
    await ask(app.port, '/services/oauth2/revoke', { method: 'DELETE' }),
  ]
  expect(asked.map(({ status }) => status)).toEqual([200, 200, 400])
  expect(emulator.requests.map(({ target }) => target)).not.toContainEqual(expect.stringContaining('revoke'))
  expect((await ask(app.port, LIMITS)).status).toBe(200)
})

test.each([
  ['/services/oauth2/authorize?response_type=code', 'no login page'],
  ['/services/oauth2/device', 'no login page'],
  ['/services/oauth2/singleaccess', 'browser session'],
  ['/secur/frontdoor.jsp?sid=x', 'browser session'],
  ['/services/oauth2/introspect', 'business of the proxy'],
])('%s is refused, and says why', async (path, why) => {
  await using demo = await startDemoOrg({ records: 5 })
  const reply = await ask(demo.app.port, path)
  expect(reply.status).toBe(403)
  expect(reply.text).toContain(why)
})

test('while nothing is known of the org a login has made-up ids, and what follows tells what is wrong', async () => {
  await using org = await startOriginServer((_request, response) => {
    response.writeHead(400).end('{"error":"invalid_client","error_description":"invalid client credentials"}')
  })
  await using app = await startStack(org, { env: { TOKEN_WAIT_MS: '50' } })
  const fields = tokenFields(await askToken(app.port, { grant_type: 'password' }))
  expect(fields.access_token).toMatch(/^00D000000000000!/)
  expect(fields.id).toBe(`${app.url}/id/00D000000000000EAA/005000000000000AAA`)
  await app.tokenEvent('failed')
  const next = await ask(app.port, LIMITS)
  expect(next.status).toBe(503)
  expect(next.text).toContain('Consumer Secret')
})

test('a web page logs in nowhere', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  for (const headers of [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { host: 'evil.example' },
  ])
    expect((await askToken(demo.app.port, { grant_type: 'password' }, { headers })).status).toBe(403)
})

test('PROXY_DENIED_PATHS and PROXY_LOGIN=off are stronger', async () => {
  for (const env of [{ PROXY_LOGIN: 'off' }, { PROXY_DENIED_PATHS: '/services/oauth2' }]) {
    await using demo = await startDemoOrg({ records: 5 }, { env })
    const before = () => demo.emulator.requests.filter(({ body }) => body.includes(MADE_UP))
    const reply = await askToken(demo.app.port, { grant_type: 'password', password: MADE_UP })
    expect(reply.status).toBe(403)
    expect(reply.text).toContain('PROXY_PATH_REFUSED')
    expect(before()).toEqual([])
  }
})

test('a body that is announced first is invited', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const body = 'grant_type=password&username=a&password=b'
  const fields = ['Expect: 100-continue', 'Connection: close', `Content-Length: ${body.length}`]
  const raw = openRaw(demo.app.port)
  raw.socket.write(head('POST /services/oauth2/token HTTP/1.1', ...fields))
  await raw.until('100 Continue')
  raw.socket.write(body)
  expect(await raw.until('"scope"')).toContain('HTTP/1.1 200 OK')
  raw[Symbol.dispose]()
})
