import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask } from '../support/http-client.ts'
import { askToken, tokenFields } from '../support/login-client.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'
import { startStack, type StackOptions } from '../support/stack.ts'

const ORG = '00D5f000000W7EoEAK'
const USER = '0055f0000000001AAA'
const USERINFO = '/services/oauth2/userinfo'

/** An org whose token is good, and that tells of its user what the test wants. */
async function startOrg(answer: Answer, options: StackOptions = {}) {
  const org = await startOriginServer((request, response) => {
    request.resume()
    if (request.url !== '/services/oauth2/token') answer(request, response)
    else {
      const id = `https://login.salesforce.com/id/${ORG}/${USER}`
      response.end(JSON.stringify({ access_token: '00D5f000000W7Eo!real', token_type: 'Bearer', id }))
    }
  })
  const app = await startStack(org, options)
  return {
    org,
    app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

test('the org’s own words about its user reach the caller', async () => {
  await using demo = await startDemoOrg({ records: 5 })
  const { orgId, userId, username } = demo.emulator.org
  const userinfo = await ask(demo.app.port, USERINFO)
  expect(userinfo.json()).toMatchObject({ user_id: userId, organization_id: orgId, preferred_username: username })
  const identity = await ask(demo.app.port, `/id/${orgId}/${userId}`)
  expect(identity.json()).toMatchObject({ user_id: userId, username, urls: { custom_domain: demo.app.url } })
})

test.each([
  ['lacks the scope', 403, 'insufficient_scope'],
  ['has no such resource', 404, ''],
  [
    'may not use it',
    401,
    '[{"errorCode":"INVALID_SESSION_ID","message":"This session is not valid for use with the REST API"}]',
  ],
])('a session that %s: the caller is told what is known', async (_what, status, body) => {
  await using proxy = await startOrg((_request, response) => response.writeHead(status).end(body))
  const { url, port } = proxy.app
  const userinfo = await ask(port, USERINFO)
  expect(userinfo.status).toBe(200)
  expect(userinfo.headers['content-type']).toBe('application/json;charset=UTF-8')
  expect(userinfo.json()).toMatchObject({
    sub: `${url}/id/${ORG}/${USER}`,
    user_id: USER,
    organization_id: ORG,
    preferred_username: 'run-as-user@127.0.0.1',
    urls: { rest: `${url}/services/data/v{version}/` },
  })
  const identity = await ask(port, `/id/${ORG}/${USER}?format=json`)
  expect(identity.json()).toMatchObject({ id: `${url}/id/${ORG}/${USER}`, username: 'run-as-user@127.0.0.1' })
})

test('what getUserInfo knows is told where the identity service refuses', async () => {
  const result =
    '<result><userName>etl@acme.example</userName><userFullName>E &amp; L</userFullName><userId>0055f0000000001AAA</userId><userEmail/></result>'
  const xml = `<e:Envelope xmlns:e="x"><e:Body><getUserInfoResponse xmlns="y">${result}</getUserInfoResponse></e:Body></e:Envelope>`
  await using proxy = await startOrg((request, response) => {
    if (request.url?.startsWith('/services/Soap/') === true) response.end(xml)
    else response.writeHead(403).end('insufficient_scope')
  })
  expect((await ask(proxy.app.port, USERINFO)).json()).toMatchObject({
    preferred_username: 'etl@acme.example',
    name: 'E & L',
    email: null,
    user_id: USER,
  })
})

test('an answer about the user that breaks off, or says that the org is down, stays what it is', async () => {
  await using proxy = await startOrg((_request, response) => response.writeHead(503).end('down'))
  expect((await ask(proxy.app.port, USERINFO)).status).toBe(503)
  await using broken = await startOrg((_request, response) => response.socket?.destroy())
  expect((await ask(broken.app.port, USERINFO)).status).toBe(502)
})

test('a refusal that breaks off is one all the same', async () => {
  await using proxy = await startOrg((_request, response) => {
    response.writeHead(404, { 'content-length': '100' })
    response.write('x')
    response.socket?.end()
  })
  expect((await ask(proxy.app.port, USERINFO)).status).toBe(200)
})

test('keys of the org’s signatures, and other methods, are no question about the user', async () => {
  await using proxy = await startOrg((_request, response) => response.writeHead(404).end())
  expect((await ask(proxy.app.port, '/id/keys')).status).toBe(404)
  expect((await ask(proxy.app.port, USERINFO, { method: 'POST' })).status).toBe(404)
})

test('with PROXY_LOGIN=off the refusal is the answer', async () => {
  await using proxy = await startOrg((_request, response) => response.writeHead(403).end('insufficient_scope'), {
    env: { PROXY_LOGIN: 'off' },
  })
  expect((await ask(proxy.app.port, USERINFO)).status).toBe(403)
})

test.each([
  ['another user', `/id/${ORG}/0055f0000000002AAA`],
  ['an id of another case', `/id/${ORG}/0055F0000000001`],
  ['another org', `/id/00D5f000000W7Ep/${USER}`],
  ['ids that no login was given', '/id/00D000000000000EAA/005000000000000AAA'],
])('the org’s refusal to tell of %s stays what it is', async (_what, path) => {
  await using proxy = await startOrg((_request, response) => response.writeHead(404).end('Bad_Id'))
  const reply = await ask(proxy.app.port, path)
  expect([reply.status, reply.text]).toEqual([404, 'Bad_Id'])
})

test('the user’s own ids are known in both of their forms', async () => {
  await using proxy = await startOrg((_request, response) => response.writeHead(404).end('Bad_Id'))
  for (const path of [`/id/${ORG.slice(0, 15)}/${USER.slice(0, 15)}`, `/id/${ORG}/${USER}/`]) {
    expect((await ask(proxy.app.port, path)).json()).toMatchObject({ user_id: USER, organization_id: ORG })
  }
})

test('ids that a login made up, since the token tells none, are known from then on', async () => {
  await using org = await startOriginServer((request, response) => {
    request.resume()
    if (request.url !== '/services/oauth2/token') response.writeHead(404).end('Bad_Id')
    else response.end(JSON.stringify({ access_token: '00D5f000000W7Eo!real', token_type: 'Bearer' }))
  })
  await using app = await startStack(org)
  const path = `/id/${ORG}/005000000000000AAA`
  expect((await ask(app.port, path)).status).toBe(404)
  const login = tokenFields(await askToken(app.port, { grant_type: 'password', username: 'a', password: 'b' }))
  expect(new URL(login.id ?? '').pathname).toBe(path)
  expect((await ask(app.port, path)).json()).toMatchObject({ organization_id: ORG })
  expect((await ask(app.port, `/id/${ORG}/0055f0000000001AAA`)).status).toBe(404)
})
