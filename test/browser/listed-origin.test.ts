import { expect, test } from 'vitest'
import { startBrowser } from '../support/browser.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { startStack } from '../support/stack.ts'
import { startWebOrg } from '../support/web-org.ts'

/** A page whose origin is listed, or is not, and the proxy with a key and an org behind it. */
async function setUp() {
  const site = await startOriginServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>tool</title>')
  })
  const org = await startWebOrg()
  const app = await startStack(org, {
    env: { PROXY_ALLOWED_ORIGINS: `http://tool.example:${site.port}`, PROXY_API_KEY: 'k3y-of-the-page' },
  })
  const browser = await startBrowser({ hosts: ['tool.example', 'other.example'] })
  return {
    org,
    /** Opens a page of this host, and asks with its own `fetch`: the status, what it may read of the answer, or the error's name. */
    async openOn(host: string) {
      const page = await browser.open(`http://${host}:${site.port}/`)
      return (path: string, init: RequestInit = {}): Promise<unknown> =>
        page.evaluate(`fetch('http://localhost:${app.port}${path}', ${JSON.stringify(init)}).then(
          async (answer) => [answer.status, answer.type === 'cors' ? await answer.json() : '', answer.headers.get('sforce-limit-info')],
          (error) => error.name,
        )`)
    },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
    },
  }
}

const headers = { 'x-api-key': 'k3y-of-the-page', 'content-type': 'application/json' }
const V = '/services/data/v62.0'

test('a listed origin calls as any program does: preflight, answers, their headers and the refusals are its to read', async () => {
  await using place = await setUp()
  const ask = await place.openOn('tool.example')
  const answer = [200, { answer: 'of the org' }, 'api-usage=18/5000']
  for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE']) {
    const body = method === 'GET' ? {} : { body: '{"Name":"x"}' }
    expect(await ask(`${V}/sobjects/Account`, { method, headers, ...body })).toEqual(answer)
  }
  const bearer = { authorization: 'Bearer k3y-of-the-page' }
  expect(await ask(`${V}/limits`, { headers: bearer })).toEqual(answer)
  const arrived = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'GET']
  expect(place.org.calls().map(({ method }) => method)).toEqual(arrived)

  // What the proxy refuses, it refuses legibly.
  expect(await ask(`${V}/limits`)).toEqual([403, [expect.objectContaining({ errorCode: 'PROXY_KEY_REQUIRED' })], null])
  expect(await ask('/secur/frontdoor.jsp', { headers })).toEqual([
    403,
    [expect.objectContaining({ errorCode: 'PROXY_PATH_REFUSED' })],
    null,
  ])
  expect(place.org.calls()).toHaveLength(arrived.length)
})

test('no other origin does, though it knows the key', async () => {
  await using place = await setUp()
  const ask = await place.openOn('other.example')
  expect(await ask(`${V}/limits`, { headers })).toBe('TypeError')
  expect(await ask(`${V}/sobjects/Account`, { method: 'POST', body: '{}', mode: 'no-cors' })).toEqual([0, '', null])
  expect(place.org.calls()).toEqual([])
})
