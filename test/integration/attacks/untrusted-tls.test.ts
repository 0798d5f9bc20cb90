import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'
import { TOKEN } from '../../support/attacked.ts'
import { startOriginServer } from '../../support/origin-server.ts'
import { startStack } from '../../support/stack.ts'

/* A server that cannot prove who it is gets a handshake, and not one byte of a secret. */

const DAY_MS = 86_400_000
const SECRET = 'consumer-secret-that-stays'

async function certificate({ name = '127.0.0.1', from = -1, to = 1 } = {}): Promise<{ key: string; cert: string }> {
  const isAddress = /^[\d.]+$/.test(name)
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + from * DAY_MS),
    notAfterDate: new Date(Date.now() + to * DAY_MS),
    extensions: [{ name: 'subjectAltName', altNames: [isAddress ? { type: 7, ip: name } : { type: 2, value: name }] }],
  })
  return { key, cert }
}

/** Where `trusted`, the certificate is an authority of CLOUDAWARE_CA_FILE: then only its content can be wrong. */
const WRONG = [
  { what: 'signed by itself', options: {}, trusted: false },
  { what: 'expired', options: { from: -9, to: -1 }, trusted: true },
  { what: 'not valid yet', options: { from: 1, to: 9 }, trusted: true },
  { what: 'of another name', options: { name: 'other.example' }, trusted: true },
  { what: 'of another address', options: { name: '127.0.0.2' }, trusted: true },
  { what: 'of a name that matches everything', options: { name: '*' }, trusted: true },
]

describe.each(WRONG)('a certificate $what', ({ options, trusted }) => {
  test('at the token endpoint: no secret, no token, 503', async () => {
    const pair = await certificate(options)
    await using org = await startOriginServer((_request, response) => response.end(), pair)
    await using app = await startStack(
      { url: org.url, clientSecret: SECRET },
      { env: { TOKEN_WAIT_MS: '300' }, ...(trusted && { ca: pair.cert }) },
    )
    const answer = await fetch(`${app.url}/services/data`)
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('PROXY_TOKEN_UNAVAILABLE')])
    expect(org.requests).toEqual([])
    expect(app.log()).not.toContain(SECRET)
  })

  test('at the API: no token, 502', async () => {
    const pair = await certificate(options)
    await using login = await startOriginServer((_request, response) =>
      response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' })),
    )
    await using org = await startOriginServer((_request, response) => response.end(), pair)
    await using app = await startStack(login, {
      env: { CLOUDAWARE_API_URL: org.url },
      ...(trusted && { ca: pair.cert }),
    })
    const answer = await fetch(`${app.url}/services/data`, { method: 'POST', body: 'the body of a caller' })
    expect([answer.status, await answer.text()]).toEqual([502, expect.stringContaining('PROXY_UPSTREAM_TLS')])
    expect(org.requests).toEqual([])
    expect(org.received().toString('latin1')).not.toContain(TOKEN)
  })
})

test('a server that speaks no TLS where it should gets no byte of HTTP', async () => {
  await using plain = await startOriginServer((_request, response) => response.end())
  await using app = await startStack(
    { url: plain.url.replace('http:', 'https:'), clientSecret: SECRET },
    { env: { TOKEN_WAIT_MS: '300' } },
  )
  expect((await fetch(`${app.url}/services/data`)).status).toBe(503)
  expect(plain.received().toString('latin1')).not.toMatch(/POST|secret/)
})

test('the settings know no way to switch verification off', async () => {
  await using org = await startOriginServer((_request, response) => response.end(), await certificate())
  await using app = await startStack(org, { env: { TOKEN_WAIT_MS: '300', NODE_TLS_REJECT_UNAUTHORIZED: '0' } })
  expect((await fetch(`${app.url}/services/data`)).status).toBe(503)
  expect(org.requests).toEqual([])
})
