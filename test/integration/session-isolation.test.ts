import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ask } from '../support/http-client.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const DATA = '/services/data/v62.0'
const LIMITS = `${DATA}/limits`
const CURSOR = `${DATA}/query/01g5f00000AbCdE-2000`
const DEAD = JSON.stringify([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])

const fault = (text: string) =>
  `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>${text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`

/** What each kind of target refuses although the session is valid. */
const REFUSED_THOUGH_ALIVE = {
  'a cursor of another session': { method: 'GET', path: CURSOR, status: 401, answer: DEAD },
  'SOAP, a session that may not use the API': {
    method: 'POST',
    path: '/services/Soap/u/62.0',
    status: 500,
    answer: fault('INVALID_SESSION_ID: This session is not valid for use with the API'),
  },
  'SOAP, a query locator of another session': {
    method: 'POST',
    path: '/services/Soap/u/62.0',
    status: 500,
    answer: fault('INVALID_SESSION_ID: Invalid Session ID found in SessionHeader'),
  },
  'Bulk v1, a job of another session': {
    method: 'GET',
    path: '/services/async/62.0/job/7505f000000AbCd/batch/7515f000000AbCd/result',
    status: 400,
    answer: '{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}',
  },
  'an Apex class that relays the error of its own callout': {
    method: 'POST',
    path: '/services/apexrest/relay',
    status: 401,
    answer: DEAD,
  },
  'a CometD client of another session': {
    method: 'POST',
    path: '/cometd/62.0/connect',
    status: 200,
    answer:
      '[{"channel":"/meta/connect","successful":false,"error":"401::Authentication invalid","advice":{"reconnect":"none"}}]',
  },
} as const

type Target = (typeof REFUSED_THOUGH_ALIVE)[keyof typeof REFUSED_THOUGH_ALIVE]

/** Gives out one token while it is valid, as Salesforce does; `refused` is refused whatever the token. */
async function startOrg(refused: Target, env: Record<string, string> = {}) {
  let issued = 1
  let isStuck = false
  let ran = 0
  const answer = (request: IncomingMessage, response: ServerResponse, body: string) => {
    if (request.url === '/services/oauth2/token') {
      response.end(JSON.stringify({ access_token: `00D!${isStuck ? 1 : issued}`, token_type: 'Bearer' }))
      return
    }
    const isValid = [String(request.headers.authorization), body].some((text) => text.includes(`00D!${issued}`))
    if (request.url === refused.path) {
      ran += 1
      response.writeHead(refused.status, { 'x-mine': 'yes' }).end(refused.answer)
    } else if (isValid) response.end('{}')
    else response.writeHead(401).end(DEAD)
  }
  const org = await startOriginServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      answer(request, response, body)
    })
  })
  const app = await startStack(org, { env })
  await app.tokenEvent('obtained')
  const count = (path: string) => org.requests.filter(({ target }) => target === path).length
  return {
    app,
    count,
    ran: () => ran,
    tokenRequests: () => count('/services/oauth2/token'),
    confirmations: () => count(LIMITS),
    kill: () => {
      issued += 1
    },
    /** From now on the login host returns the first token whatever became of it. */
    stick: () => (isStuck = true),
    call: (path = `${DATA}/sobjects`) => ask(app.port, path),
    refused: () =>
      ask(app.port, refused.path, {
        method: refused.method,
        ...(refused.method === 'POST' && {
          body: refused.path.includes('/Soap/')
            ? '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><queryMore xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>'
            : '{}',
          headers: { 'content-type': refused.path.includes('/Soap/') ? 'text/xml' : 'application/json' },
        }),
      }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

describe.each(Object.entries(REFUSED_THOUGH_ALIVE))('%s', (_, target) => {
  test('is refused to its caller, in the words of the API, and to nobody else', async () => {
    await using org = await startOrg(target)
    for (let round = 0; round < 15; round++) {
      const refused = await org.refused()
      expect([refused.status, refused.body.toString(), refused.headers['x-mine']]).toEqual([
        target.status,
        target.answer,
        'yes',
      ])
      expect((await org.call()).status).toBe(200)
    }
    expect([org.ran(), org.tokenRequests()]).toEqual([15, 1])
    expect(org.confirmations()).toBeLessThanOrEqual(15)
  })

  test('does not hide a real death: the next call finds it at once', async () => {
    await using org = await startOrg(target)
    for (let round = 0; round < 5; round++) await org.refused()
    org.kill()
    expect((await org.call()).status).toBe(200)
    expect(org.tokenRequests()).toBe(2)
  })
})

const cursor = REFUSED_THOUGH_ALIVE['a cursor of another session']

describe('sessions that end again and again', () => {
  test('are replaced without any caller noticing, with one token request for all', async () => {
    await using org = await startOrg(cursor)
    for (let death = 1; death <= 12; death++) {
      org.kill()
      const answers = await Promise.all(Array.from({ length: 20 }, () => org.call()))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(org.tokenRequests()).toBe(1 + death)
    }
    expect(org.app.tokenEvents.filter(({ type }) => type === 'failed')).toEqual([])
  })

  test('cost no more than the budget; then callers, probes and the status say what is waited for', async () => {
    await using org = await startOrg(cursor, { TOKEN_REQUESTS_PER_HOUR: '3' })
    for (const status of [200, 200, 503]) {
      org.kill()
      expect((await org.call()).status).toBe(status)
    }
    const refused = await org.call()
    const said = /All 3 token requests that TOKEN_REQUESTS_PER_HOUR allows were made within the last hour\./
    expect(refused.body.toString()).toMatch(said)
    expect(refused.body.toString()).toMatch(/Waiting since \S+Z for the hourly budget .*, until \S+Z\. Find out/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3000)
    const admin = String(org.app.adminUrl)
    const ready = await fetch(`${admin}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({
      reason: expect.stringMatching(said) as string,
      fix: expect.any(String) as string,
    })
    const { token } = (await (await fetch(`${admin}/status`)).json()) as { token: { pause: { reason: string } } }
    expect(token.pause.reason).toMatch(said)
    expect(org.app.log().split('token request held back').length - 1).toBe(1)
  })
})

test('a login host that keeps returning the dead token is named as just that', async () => {
  await using org = await startOrg(cursor, { TOKEN_WAIT_MS: '50' })
  org.stick()
  org.kill()
  const answer = await org.call()
  expect(answer.status).toBe(503)
  await org.app.tokenEvent('failed')
  expect((await org.call()).body.toString()).toMatch(
    /The login host keeps returning a token that Cloudaware itself reports as ended\. Waiting since \S+Z for .+, until \S+Z\. End the session/,
  )
  expect(org.count(`${DATA}/sobjects`)).toBe(1)
})

test('a confirmation that nobody answers is reported, and the token stays', async () => {
  await using org = await startOriginServer((request, response) => {
    if (request.url === '/services/oauth2/token') response.end('{"access_token":"00D!1","token_type":"Bearer"}')
    else if (request.url === LIMITS) response.writeHead(503).end('<html>down</html>')
    else response.writeHead(request.url === CURSOR ? 401 : 200).end(request.url === CURSOR ? DEAD : '{}')
  })
  await using app = await startStack(org)
  expect((await ask(app.port, CURSOR)).status).toBe(401)
  expect((await ask(app.port, `${DATA}/sobjects`)).status).toBe(200)
  expect(app.log()).toContain('does not say whether the session is valid')
  const metrics = await (await fetch(`${String(app.adminUrl)}/metrics`)).text()
  expect(metrics).toContain('cloudaware_proxy_session_confirmations_total{result="unknown"} 1')
})
