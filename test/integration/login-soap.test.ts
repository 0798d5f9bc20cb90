import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { askSoap, envelope, loginCall, scraped } from '../support/login-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const MADE_UP = 'made-up-pass&amp;word'

test('login answers with a whole LoginResult on the address that the caller used', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  const reply = await askSoap(app.port, envelope(loginCall('anybody', MADE_UP)))
  expect(reply.status).toBe(200)
  expect(reply.headers['content-type']).toBe('text/xml;charset=UTF-8')
  const { orgId, userId, username } = emulator.org
  const found = (name: string) => scraped(reply.text, name)
  expect(found('serverUrl')).toBe(`${app.url}/services/Soap/u/64.0/${orgId.slice(0, 15)}`)
  expect(found('metadataServerUrl')).toBe(`${app.url}/services/Soap/m/64.0/${orgId.slice(0, 15)}`)
  expect(found('sessionId')).toMatch(new RegExp(`^${orgId.slice(0, 15)}![.\\w]+$`))
  expect([found('userId'), found('organizationId'), found('userName')]).toEqual([userId, orgId, username])
  expect([found('passwordExpired'), found('sandbox')]).toEqual(['false', 'false'])
  expect(reply.text).toContain('<roleId xsi:nil="true"/>')
  expect(app.log() + JSON.stringify(emulator.requests)).not.toMatch(/made-up|pass&/)
  const more = await askSoap(app.port, envelope('<getServerTimestamp xmlns="urn:partner.soap.sforce.com"/>'), {
    path: new URL(found('serverUrl') ?? '').pathname,
  })
  expect(more.status).toBe(200)
})

test('who the user is, is asked of the org once, not at every login', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  await Promise.all(['x', 'y', 'z'].map((name) => askSoap(app.port, envelope(loginCall(name, name)))))
  for (const name of ['a', 'b', 'c']) {
    const reply = await askSoap(app.port, envelope(loginCall(name, name)))
    expect(scraped(reply.text, 'userFullName')).toBe('Integration User')
  }
  expect(emulator.requests.filter(({ body }) => body.includes('getUserInfo'))).toHaveLength(1)
})

test.each([
  ['an org that refuses', 403],
  ['an org that answers nonsense', 200],
])('%s to say who the user is does not keep a caller out', async (_what, status) => {
  await using org = await startOriginServer((request, response) => {
    request.resume()
    if (request.url !== '/services/oauth2/token') response.writeHead(status).end('<nothing')
    else {
      const id = 'https://login.salesforce.com/id/00D5f000000W7EoEAK/0055f0000000001AAA'
      response.end(JSON.stringify({ access_token: '00D5f000000W7Eo!real', token_type: 'Bearer', id }))
    }
  })
  await using app = await startStack(org)
  const reply = await askSoap(app.port, envelope(loginCall('a', 'b')))
  expect(reply.status).toBe(200)
  expect(scraped(reply.text, 'organizationId')).toBe('00D5f000000W7EoEAK')
  expect(scraped(reply.text, 'userName')).toBe('run-as-user@127.0.0.1')
  expect(reply.text).not.toContain('real')
})

test.each([
  ['doubled slashes, a final one and another prefix', '//services/Soap/u/64.0/', 'm:'],
  ['the enterprise API', '/services/Soap/c/58.0', ''],
  ['an address that has been logged in to before', '/services/Soap/u/64.0/00D5f000000W7Eo', ''],
  ['another case', '/services/soap/U/64.0', ''],
  ['a site', '/partners/services/Soap/u/64.0', ''],
])('login by %s', async (_what, path, prefix) => {
  await using demo = await startDemoOrg({ records: 5 })
  const operation = `<${prefix}login xmlns${prefix === '' ? '' : ':m'}="urn:partner.soap.sforce.com"><${prefix}username>a</${prefix}username><${prefix}password><![CDATA[made-up]]></${prefix}password></${prefix}login>`
  const reply = await askSoap(demo.app.port, envelope(operation), { path })
  expect(reply.status).toBe(200)
  expect(scraped(reply.text, 'serverUrl')).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/services\/Soap\/[uc]\/\d\d\.0\/00D\w{12}$/,
  )
  expect(JSON.stringify(demo.emulator.requests)).not.toContain('made-up')
})

test('a login in UTF-16 is understood by its byte order mark', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const text = Buffer.from(`\uFEFF${envelope(loginCall('a', 'b')).replace('UTF-8', 'UTF-16')}`, 'utf16le')
  for (const body of [text, Buffer.from(text).swap16()])
    expect((await askSoap(demo.app.port, body, { headers: { 'content-type': 'text/xml' } })).status).toBe(200)
})

test('logout and invalidateSessions end nothing and say that they did', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { app, emulator } = demo
  const session = scraped((await askSoap(app.port, envelope(loginCall('a', 'b')))).text, 'sessionId')
  const logout = await askSoap(app.port, envelope('<logout xmlns="urn:partner.soap.sforce.com"/>', session))
  expect(logout.text).toContain('<logoutResponse/>')
  const ids = `<sessionIds>${String(session)}</sessionIds><sessionIds>another</sessionIds>`
  const ending = `<invalidateSessions xmlns="urn:partner.soap.sforce.com">${ids}</invalidateSessions>`
  const ended = await askSoap(app.port, envelope(ending, session))
  expect(ended.text.match(/<success>true<\/success>/g)).toHaveLength(2)
  expect(emulator.requests.map(({ body }) => body).join()).not.toMatch(/logout|invalidateSessions/)
  const user = await askSoap(app.port, envelope('<getUserInfo xmlns="urn:partner.soap.sforce.com"/>', session))
  expect(scraped(user.text, 'sf:userId') ?? scraped(user.text, 'userId')).toBe(emulator.org.userId)
})

const bomb = `<!DOCTYPE x [${Array.from({ length: 9 }, (_, at) => `<!ENTITY a${at + 1} "${`&a${at};`.repeat(10)}">`).join('')}]>`
test.each([
  ['no XML', 'username=a&password=b'],
  ['nothing', ''],
  ['XML that ends half-way', '<Envelope><Body><login>'],
  ['another root', '<login><username>a</username></login>'],
  ['no operation', envelope('')],
  ['an undeclared prefix', '<se:Envelope><se:Body><login/></se:Body></se:Envelope>'],
  ['entities that would fill the memory', bomb + envelope(loginCall('&a9;', 'b'))],
  [
    'an entity of the machine’s files',
    `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${envelope(loginCall('&f;', 'b'))}`,
  ],
  ['an unknown entity', envelope(loginCall('&nbsp;', 'b'))],
  ['a login of another case', envelope('<LOGIN xmlns="urn:partner.soap.sforce.com"/>')],
  ['more than a login could be', envelope(loginCall('a', 'b'.repeat(70_000)))],
  ['a tower of elements', envelope(`<login>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</login>`)],
])('%s gets a SOAP fault', async (_what, body) => {
  await using demo = await startDemoOrg({ records: 5 })
  const reply = await askSoap(demo.app.port, body)
  expect(reply.status).toBe(500)
  expect(reply.headers['content-type']).toBe('text/xml;charset=UTF-8')
  expect(scraped(reply.text, 'faultcode')).toBe('sf:UNKNOWN_EXCEPTION')
  expect(scraped(reply.text, 'faultstring')).toMatch(/^UNKNOWN_EXCEPTION: .{20}/)
  expect(reply.text).not.toContain('root:')
})

test('below the path of a site there is login, and nothing else', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const path = '/partners/services/Soap/u/64.0'
  const query = '<query xmlns="urn:partner.soap.sforce.com"><queryString>SELECT Id FROM User</queryString></query>'
  const reply = await askSoap(demo.app.port, envelope(query), { path })
  expect(reply.status).toBe(500)
  expect(reply.text).toContain('serves login alone')
  expect((await askSoap(demo.app.port, '', { path, method: 'GET' })).text).toContain('sent by POST')
  expect(demo.emulator.requests.map(({ target }) => target)).not.toContain(path)
})

test('read-only does not keep a caller from logging in, and still from changing anything', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_READ_ONLY: 'true' } })
  expect((await askSoap(demo.app.port, envelope(loginCall('a', 'b')))).status).toBe(200)
  expect((await askSoap(demo.app.port, envelope('<delete xmlns="urn:partner.soap.sforce.com"/>'))).status).toBe(405)
})

test('without the local login a SOAP login is refused, unread', async () => {
  await using demo = await startDemoOrg({ records: 5 }, { env: { PROXY_LOGIN: 'off' } })
  const reply = await askSoap(demo.app.port, envelope(loginCall('a', 'made-up')))
  expect(reply.status).toBe(403)
  expect(scraped(reply.text, 'faultstring')).toContain('PROXY_PATH_REFUSED')
  expect(JSON.stringify(demo.emulator.requests)).not.toContain('made-up')
})
