import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { askSoap, askToken, envelope, loginCall, scraped, tokenFields } from '../support/login-client.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const LIMITS = '/services/data/v62.0/limits'
const QUERY = '<query xmlns="urn:partner.soap.sforce.com"><queryString>SELECT Id FROM User</queryString></query>'
const ETL = 'key-of-the-etl'
const BI = 'key-of-the-bi'

async function setUp() {
  const directory = await temporaryDirectory()
  const file = directory.file('keys')
  await writeFile(file, `etl:${ETL}\nbi:${BI}\n`)
  const demo = await startDemoOrg({ records: 5 }, { env: { PROXY_API_KEY_FILE: file } })
  return {
    ...demo,
    file,
    port: demo.app.port,
    login: async (key: string) => {
      const reply = await askToken(demo.app.port, { grant_type: 'password', username: 'a', password: key })
      return tokenFields(reply).access_token ?? ''
    },
    async [Symbol.asyncDispose]() {
      await demo[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

test.each([
  ['the password', { grant_type: 'password', password: BI }],
  ['the security token after it', { grant_type: 'password', password: `made-up${BI}` }],
  ['a password before a security token', { grant_type: 'password', password: `${BI}made-up` }],
  ['the client secret', { grant_type: 'client_credentials', client_secret: BI }],
  ['the refresh token', { grant_type: 'refresh_token', refresh_token: BI }],
])('the key as %s logs its caller in', async (_where, form) => {
  await using proxy = await setUp()
  const reply = await askToken(proxy.port, form)
  expect(reply.status).toBe(200)
  expect(await proxy.app.accessLine(String(reply.headers['x-request-id']))).toMatchObject({ caller: 'bi', status: 200 })
  const authorization = `Bearer ${String(tokenFields(reply).access_token)}`
  const next = await ask(proxy.port, LIMITS, { headers: { authorization } })
  expect(next.status).toBe(200)
  expect(await proxy.app.accessLine(String(next.headers['x-request-id']))).toMatchObject({ caller: 'bi' })
})

test.each([
  ['X-Api-Key', { 'x-api-key': BI }],
  ['Basic', { authorization: `Basic ${Buffer.from(`client:${BI}`).toString('base64')}` }],
])('a login that shows the key by %s may say what it likes', async (_how, headers) => {
  await using proxy = await setUp()
  const assertion = 'eyJhbGciOiJSUzI1NiJ9.e30.x'
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const reply = await askToken(proxy.port, { grant_type, assertion }, { headers })
  expect(tokenFields(reply).access_token).toBe(await proxy.login(BI))
  const soap = await askSoap(proxy.port, envelope(loginCall('a', 'b')), { headers })
  expect(scraped(soap.text, 'sessionId')).toBe(await proxy.login(BI))
})

test('without the key there is no login, and the refusal says what is asked for', async () => {
  await using proxy = await setUp()
  for (const password of ['', 'made-up', BI.slice(1), BI.slice(0, -1), `x${BI}x`, `bi:${BI}x`]) {
    const reply = await askToken(proxy.port, { grant_type: 'password', password })
    expect(reply.status).toBe(400)
    expect(reply.json()).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringContaining('PROXY_API_KEY') as string,
    })
    const soap = await askSoap(proxy.port, envelope(loginCall('a', password)))
    expect(soap.status).toBe(500)
    expect(scraped(soap.text, 'faultcode')).toBe('sf:INVALID_LOGIN')
    expect(scraped(soap.text, 'sf:exceptionCode')).toBe('INVALID_LOGIN')
  }
  const refused = await askToken(proxy.port, { grant_type: 'client_credentials', client_secret: `${BI}x` })
  expect(refused.status).toBe(400)
  // Whoever runs the proxy sees why, in the log and by the metrics' reason.
  expect(await proxy.app.accessLine(String(refused.headers['x-request-id']))).toMatchObject({
    error: 'PROXY_KEY_REQUIRED',
    rule: 'local login',
  })
})

test('the session of a login is good wherever tools put it, for every family', async () => {
  await using proxy = await setUp()
  const login = await askSoap(proxy.port, envelope(loginCall('a', `made-up${ETL}`)))
  const session = scraped(login.text, 'sessionId') ?? ''
  expect(session).toBe(await proxy.login(ETL))
  const job = '/services/async/62.0/job/750000000000000AAA'
  const answers = await Promise.all([
    ask(proxy.port, LIMITS, { headers: { authorization: `OAuth ${session}` } }),
    ask(proxy.port, LIMITS, { headers: { cookie: `BrowserId=x; sid=${session}` } }),
    ask(proxy.port, LIMITS, { headers: { cookie: `sid=${encodeURIComponent(session)}` } }),
    ask(proxy.port, '/services/oauth2/userinfo', { headers: { authorization: `Bearer ${session}` } }),
    askSoap(proxy.port, envelope(QUERY, session)),
    askSoap(proxy.port, envelope(QUERY), { headers: { authorization: `Bearer ${session}` } }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
  // A job that is not there: the API answers, and not the proxy.
  const bulk = await ask(proxy.port, job, { headers: { 'x-sfdc-session': session } })
  expect([bulk.status, bulk.text]).toEqual([400, expect.stringContaining('InvalidUrl')])
  expect(await proxy.app.accessLine(String(answers[4].headers['x-request-id']))).toMatchObject({ caller: 'etl' })
  expect(JSON.stringify(proxy.emulator.requests)).not.toContain(session.split('.')[1])
  expect(proxy.app.log()).not.toContain(session.split('.')[1])
})

test.each([
  ['no session', envelope(QUERY)],
  ['another one', envelope(QUERY, '00D000000000000!PROXY.PLACEHOLDER')],
  ['a guess', envelope(QUERY, `00D000000000000!PROXY.${'0'.repeat(64)}`)],
  ['a session outside the header', envelope(`${QUERY}<sessionId>${ETL}</sessionId>`)],
  [
    'a session in another header',
    envelope(QUERY).replace(
      '<se:Body>',
      `<se:Header><Other><sessionId>${ETL}</sessionId></Other></se:Header><se:Body>`,
    ),
  ],
])('a SOAP call with %s is refused before a byte of it goes on', async (_what, body) => {
  await using proxy = await setUp()
  const reply = await askSoap(proxy.port, body)
  expect(reply.status).toBe(403)
  expect(scraped(reply.text, 'faultstring')).toMatch(/PROXY_KEY_REQUIRED: /)
  expect(JSON.stringify(proxy.emulator.requests)).not.toContain('queryString')
})

test('whoever may not call may not by another method either', async () => {
  await using proxy = await setUp()
  for (const path of ['/services/Soap/u/64.0', '/services/Soap/u/64.0?wsdl', LIMITS]) {
    expect((await ask(proxy.port, path)).status).toBe(403)
  }
  const override = { 'x-http-method-override': 'GET' }
  expect((await askSoap(proxy.port, envelope(QUERY), { headers: override })).status).toBe(403)
  expect((await askSoap(proxy.port, envelope(QUERY), { path: '/services/Soap/m/64.0' })).status).toBe(403)
  expect((await ask(proxy.port, LIMITS, { headers: { cookie: `xsid=${await proxy.login(BI)}` } })).status).toBe(403)
})

test('a key is not to be found in its session, and each caller has another', async () => {
  await using proxy = await setUp()
  const [etl, bi] = [await proxy.login(ETL), await proxy.login(BI)]
  expect(etl).not.toBe(bi)
  expect(etl + bi).not.toMatch(/key-of/)
})

test('a session ends with its key, and with it alone', async () => {
  await using proxy = await setUp()
  const status = async (token: string) =>
    (await ask(proxy.port, LIMITS, { headers: { authorization: `Bearer ${token}` } })).status
  const [etl, bi] = [await proxy.login(ETL), await proxy.login(BI)]
  await writeFile(proxy.file, `etl:another-key-of-it\nbi:${BI}\n`)
  await proxy.app.logged('API keys read again')
  expect([await status(etl), await status(bi)]).toEqual([403, 200])
  // Nor does a caller of another name inherit it.
  await writeFile(proxy.file, `etl:${BI}\n`)
  await proxy.app.logged('"callers":["etl"]')
  expect(await status(bi)).toBe(403)
})

test('a session outlives a restart, since nothing of it is stored', async () => {
  const env = { PROXY_API_KEY: `etl:${ETL}` }
  const token = async () => {
    await using demo = await startDemoOrg({ records: 5 }, { env })
    const reply = await askToken(demo.app.port, { grant_type: 'password', password: ETL })
    return tokenFields(reply).access_token
  }
  expect(await token()).toBe(await token())
})

test('with PROXY_LOGIN=off sessions are not given out, nor taken', async () => {
  await using before = await setUp()
  const token = await before.login(ETL)
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_API_KEY: `etl:${ETL}`, PROXY_LOGIN: 'off' } })
  const headers = { authorization: `Bearer ${token}` }
  expect((await ask(demo.app.port, LIMITS, { headers })).status).toBe(403)
  expect((await ask(demo.app.port, LIMITS, { headers: { 'x-api-key': ETL } })).status).toBe(200)
  expect((await askSoap(demo.app.port, envelope(QUERY, ETL))).status).toBe(403)
})

test('a logout needs no key, since it ends nothing', async () => {
  await using proxy = await setUp()
  expect((await ask(proxy.port, '/services/oauth2/revoke', { method: 'POST', body: 'token=x' })).status).toBe(200)
  expect((await askSoap(proxy.port, envelope('<logout xmlns="urn:partner.soap.sforce.com"/>'))).status).toBe(200)
})
