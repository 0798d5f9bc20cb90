import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startOriginServer, type Answer } from '../support/origin-server.ts'
import { startStack, type RunningApp } from '../support/stack.ts'

/*
 * A token endpoint that answers nonsense, seen from where users stand: the caller, /status, the log, and the endpoint itself.
 */

const LIMITS = '/services/data/v67.0/limits'
const GOOD_TOKEN = '00D000000000001!good.token'

interface Nonsense {
  readonly what: string
  readonly answer: (response: ServerResponse) => void
  /** As /status and the log call it. */
  readonly failure: { kind: string; error: string }
}

const json = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const raw =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers).end(body)
  }

const NONSENSE: readonly Nonsense[] = [
  { what: 'nothing', answer: raw(200, ''), failure: { kind: 'transient', error: 'empty_answer' } },
  {
    what: 'a page',
    answer: raw(200, '<html>Service Unavailable</html>', { 'content-type': 'text/html' }),
    failure: { kind: 'transient', error: 'html_answer' },
  },
  { what: 'a page with 503', answer: raw(503, '<html></html>'), failure: { kind: 'transient', error: 'html_answer' } },
  {
    what: '200 with an error',
    answer: json(200, { error: 'invalid_grant', error_description: 'no client credentials user enabled' }),
    failure: { kind: 'permanent', error: 'invalid_grant' },
  },
  {
    what: 'a refusal',
    answer: json(400, { error: 'invalid_client', error_description: 'invalid client credentials' }),
    failure: { kind: 'permanent', error: 'invalid_client' },
  },
  {
    what: 'half of a JSON',
    answer: raw(200, '{"access_token":"'),
    failure: { kind: 'transient', error: 'unreadable_answer' },
  },
  { what: 'a JSON list', answer: json(200, [GOOD_TOKEN]), failure: { kind: 'transient', error: 'unreadable_answer' } },
  { what: 'null', answer: raw(200, 'null'), failure: { kind: 'transient', error: 'unreadable_answer' } },
  {
    what: 'no token',
    answer: json(200, { token_type: 'Bearer' }),
    failure: { kind: 'transient', error: 'no_access_token' },
  },
  {
    what: 'a token that is a number',
    answer: json(200, { access_token: 7 }),
    failure: { kind: 'transient', error: 'no_access_token' },
  },
  {
    what: 'a token with a line break',
    answer: json(200, { access_token: 'good\r\nX-Injected: yes' }),
    failure: { kind: 'permanent', error: 'malformed_access_token' },
  },
  {
    what: 'another type of token',
    answer: json(200, { access_token: GOOD_TOKEN, token_type: 'mac' }),
    failure: { kind: 'permanent', error: 'unsupported_token_type' },
  },
  {
    what: 'ten million bytes',
    answer: raw(200, JSON.stringify({ access_token: 'x'.repeat(10_000_000) })),
    failure: { kind: 'transient', error: 'oversized_answer' },
  },
  {
    what: 'bytes that never end',
    answer: (response) => {
      const more = (): void => {
        if (!response.destroyed && response.write(' '.repeat(16_384))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    },
    failure: { kind: 'transient', error: 'oversized_answer' },
  },
  {
    what: 'a redirect',
    answer: raw(302, '', { location: 'https://elsewhere.example/services/oauth2/token' }),
    failure: { kind: 'permanent', error: 'redirected' },
  },
  { what: 'not found', answer: raw(404, 'nothing here'), failure: { kind: 'permanent', error: 'no_token_endpoint' } },
  { what: 'too many', answer: raw(429, ''), failure: { kind: 'rate-limited', error: 'too_many_requests' } },
  {
    what: 'a broken connection',
    answer: (response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"access_')
      setImmediate(() => response.destroy())
    },
    failure: { kind: 'transient', error: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' },
  },
  {
    what: 'no HTTP at all',
    answer: (response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
    failure: { kind: 'transient', error: 'HTTPParserError' },
  },
]

/** An org whose token endpoint answers as it is told, and whose API answers whatever comes with a good token. */
async function orgAnswering(nonsense: (response: ServerResponse) => void) {
  const endpoint = { answer: nonsense, asked: 0 }
  const answer: Answer = (request, response) => {
    if (request.url !== '/services/oauth2/token') {
      response.writeHead(request.headers.authorization === `Bearer ${GOOD_TOKEN}` ? 200 : 500).end('{}')
      return
    }
    endpoint.asked += 1
    endpoint.answer(response)
  }
  const origin = await startOriginServer(answer)
  return { endpoint, origin, [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose]() }
}

/** Many callers at once, each of whom would like a token. */
async function callers(app: RunningApp, count = 20) {
  return Promise.all(Array.from({ length: count }, () => ask(app.port, LIMITS)))
}

async function statusOf(app: RunningApp): Promise<{ state: string; failure: Record<string, unknown> | null }> {
  const { token } = (await (await fetch(`${String(app.adminUrl)}/status`)).json()) as { token: never } // our own /status
  return token
}

test.each(NONSENSE)('a token endpoint that answers $what', async ({ answer, failure }) => {
  await using org = await orgAnswering(answer)
  const clock = new FakeClock()
  await using app = await startStack({ url: org.origin.url }, { clock, env: { TOKEN_WAIT_MS: '100' } })
  await app.tokenEvent('failed')

  for (const reply of await clock.until(callers(app))) {
    expect(reply.status).toBe(503)
    expect(reply.json()).toMatchObject([{ errorCode: 'PROXY_TOKEN_UNAVAILABLE' }])
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  }
  // Nothing went to the API, and twenty callers did not make the endpoint's day worse.
  expect(org.origin.requests.map(({ target }) => target)).not.toContain(LIMITS)
  expect(org.endpoint.asked).toBeLessThanOrEqual(3)

  const status = await statusOf(app)
  expect(status).toMatchObject({ state: 'unavailable', failure })
  expect(status.failure).toMatchObject({ diagnosis: { summary: expect.stringMatching(/\w/) as string } })
  expect(app.log()).toContain('token request failed')
  expect(app.log()).toContain(`"error":"${failure.error}"`)
})

test('once the endpoint is mended, callers are served without anybody doing anything', async () => {
  await using org = await orgAnswering(raw(200, ''))
  await using app = await startStack({ url: org.origin.url }, { env: { TOKEN_WAIT_MS: '30000' } })
  await app.tokenEvent('failed')
  org.endpoint.answer = json(200, { access_token: GOOD_TOKEN, token_type: 'Bearer' })
  await app.tokenEvent('obtained')
  expect((await ask(app.port, LIMITS)).status).toBe(200)
})

test.each([-1, 0, '3600', 'soon', 1e99, null, {}, 0.5, -1e99])(
  'an expires_in of %j is taken for what it is worth: the token serves, and the endpoint is not asked at every turn',
  async (expires_in) => {
    await using org = await orgAnswering(json(200, { access_token: GOOD_TOKEN, token_type: 'Bearer', expires_in }))
    await using app = await startStack({ url: org.origin.url })
    for (const reply of await callers(app)) expect(reply.status).toBe(200)
    expect(org.endpoint.asked).toBe(1)
    expect(await statusOf(app)).toMatchObject({ state: 'ready', failure: null })
  },
)
