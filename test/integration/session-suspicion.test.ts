import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ask } from '../support/http-client.ts'
import { startOriginServer, type OriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'

const LIMITS = '/services/data/v62.0/limits'
const CHARGE = '/services/data/v62.0/actions/charge'
const DEAD = JSON.stringify([{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
const ID = 'https://login.salesforce.com/id/00D5f000000W7EoEAK/0055f0000000001AAA'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An org that gives out a new token each time; `limits` and `other` say what it answers there and elsewhere. */
async function startOrg(limits: Answer, other: Answer) {
  let minted = 0
  const org = await startOriginServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/services/oauth2/token') {
        minted++
        response.end(JSON.stringify({ access_token: `00D!${minted}`, token_type: 'Bearer', id: ID }))
      } else if (request.url === LIMITS) limits(request, response)
      else other(request, response)
    })
  })
  const app = await startStack(org)
  return {
    port: app.port,
    count: (path: string) => countOf(org, path),
    minted: () => minted,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
    },
  }
}

function countOf(org: OriginServer, path: string): number {
  return org.requests.filter(({ target }) => target === path).length
}

const ok: Answer = (_request, response) => response.end('{}')
const empty401: Answer = (_request, response) => response.writeHead(401, { 'x-app': 'mine' }).end()
const firstIsDead: Answer = ({ headers }, response) => {
  if (headers.authorization === 'Bearer 00D!1') response.writeHead(401).end(DEAD)
  else response.end('{}')
}

describe('a refusal without a reason, of a token that lives', () => {
  test('is the caller’s: the POST ran once, the token serves on, and those refused together share confirmations', async () => {
    await using org = await startOrg(ok, empty401)
    const charge = () => ask(org.port, CHARGE, { method: 'POST', body: '{}' })
    const first = await charge()
    expect([first.status, first.headers['x-app'], first.body.length]).toEqual([401, 'mine', 0])
    await Promise.all(Array.from({ length: 20 }, charge))
    expect([org.count(CHARGE), org.minted()]).toEqual([21, 1])
    // One for the first, and one or, on a slow machine, a few for those that were sent together.
    expect(org.count(LIMITS)).toBeLessThan(10)
    expect((await ask(org.port, LIMITS)).status).toBe(200)
  })

  test.each(['POST', 'HEAD'])(
    'of an Apex class to %s is its own: nothing is asked, nothing sent again',
    async (method) => {
      await using org = await startOrg(ok, empty401)
      const path = '/services/apexrest/charge'
      expect((await ask(org.port, path, { method })).status).toBe(401)
      expect([org.count(path), org.count(LIMITS), org.minted()]).toEqual([1, 0, 1])
    },
  )

  test('at once from many asks once', async () => {
    await using org = await startOrg(ok, empty401)
    const all = await Promise.all(Array.from({ length: 5 }, () => ask(org.port, CHARGE, { method: 'HEAD' })))
    expect(all.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
    expect([org.count(CHARGE), org.minted()]).toEqual([5, 1])
    expect([1, 2]).toContain(org.count(LIMITS))
  })

  test.each(['/services/oauth2/userinfo', '/id/00D5f000000W7EoEAK/0055f0000000001AAA'])(
    '%s: for want of a scope, is answered with what is known',
    async (path) => {
      await using org = await startOrg(ok, (_request, response) => response.writeHead(403).end('Bad_OAuth_Token'))
      const answer = await ask(org.port, path)
      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ user_id: '0055f0000000001AAA' })
      expect([org.count(path), org.minted()]).toEqual([1, 1])
    },
  )
})

test.each([
  ['says that it is dead', firstIsDead],
  [
    'refuses it without a reason as well',
    ({ headers }, response) => void response.writeHead(headers.authorization === 'Bearer 00D!1' ? 401 : 200).end(),
  ],
] satisfies [string, Answer][])(
  'where the org %s, the token is replaced and the request sent again',
  async (_what, limits) => {
    await using org = await startOrg(limits, ({ headers }, response) => {
      response.writeHead(headers.authorization === 'Bearer 00D!1' ? 401 : 200).end()
    })
    const answer = await ask(org.port, CHARGE, { method: 'HEAD' })
    expect([answer.status, answer.headers['proxy-status']]).toEqual([
      200,
      'cloudaware-proxy; details="session replaced"',
    ])
    expect([org.count(CHARGE), org.count(LIMITS), org.minted()]).toEqual([2, 1, 2])
  },
)

test.each([
  ['breaks off twice', (_request, response) => void response.socket?.destroy(), 2],
  ['fails', (_request, response) => void response.writeHead(503).end('down'), 1],
  ['answers at length', (_request, response) => void response.writeHead(503).end('x'.repeat(200_000)), 1],
] satisfies [string, Answer, number][])(
  'a confirmation that %s proves nothing, and is asked again',
  async (_what, limits, asks) => {
    await using org = await startOrg(limits, empty401)
    for (const sent of [1, 2]) {
      expect((await ask(org.port, CHARGE, { method: 'POST', body: '{}' })).status).toBe(401)
      expect([org.count(CHARGE), org.count(LIMITS), org.minted()]).toEqual([sent, sent * asks, 1])
    }
  },
)
