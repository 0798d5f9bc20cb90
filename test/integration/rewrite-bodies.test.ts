import { gunzipSync } from 'node:zlib'
import { Connection } from 'jsforce'
import { describe, expect, test } from 'vitest'
import { encoded } from '../../src/upstream/content-coding.ts'
import { startDemoOrg } from '../support/demo-org.ts'
import { ask, type Reply } from '../support/http-client.ts'
import { API_TOKEN, startOrgAnswering } from '../support/org-answering.ts'

const ROOT = '/services/data/v62.0'
const USERINFO = '/services/oauth2/userinfo'
const SOAP = '/services/Soap/u/62.0'
const ENVELOPE = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><getUserInfo xmlns="urn:partner.soap.sforce.com"/></e:Body></e:Envelope>`

const read = ({ body, headers }: Reply) => String(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)

describe('the org’s own addresses', () => {
  test.each([undefined, 'gzip'])(
    'in the version root and the identity become the caller’s (Accept-Encoding: %s)',
    async (coding) => {
      await using demo = await startDemoOrg({ records: 20 })
      const { port } = demo.app
      const headers = { host: `localhost:${port}`, ...(coding && { 'accept-encoding': coding }) }
      const root = await ask(port, ROOT, { headers })
      expect(root.headers['content-encoding']).toBe(coding)
      const { identity } = JSON.parse(read(root)) as { identity: string } // the emulator's shape
      expect(identity).toMatch(new RegExp(`^http://localhost:${port}/id/00D`))

      const known = await ask(port, new URL(identity).pathname, { headers })
      expect(known.status).toBe(200)
      const { id, urls } = JSON.parse(read(known)) as { id: string; urls: Record<string, string> } // the same
      expect(id).toBe(identity)
      expect(urls.custom_domain).toBe(`http://localhost:${port}`)
      expect(urls.rest).toBe(`http://localhost:${port}/services/data/v{version}/`)
      // A page, which the proxy would refuse.
      expect(urls.profile).toBe(`${demo.emulator.url}/${demo.emulator.org.userId}`)
    },
  )

  test('are found by jsforce, which then stays on the proxy', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    const connection = new Connection({ instanceUrl: demo.app.url, accessToken: 'x', version: '62.0' })
    const { user_id } = await connection.identity()
    expect(user_id).toBe(demo.emulator.org.userId)
    expect(connection.userInfo?.url).toMatch(demo.app.url)
  })

  test('stay with PROXY_REWRITE_BODIES=off', async () => {
    await using demo = await startDemoOrg({ records: 20 }, { env: { PROXY_REWRITE_BODIES: 'off' } })
    expect(read(await ask(demo.app.port, ROOT))).toContain('"identity":"https://login.salesforce.com/id/')
  })
})

describe('an answer with addresses', () => {
  const identityOf = (origin: string) => JSON.stringify({ id: `${origin}/id/00D/005`, note: 'Ünï' })

  test.each(['gzip', 'deflate', 'br', 'zstd'])(
    'in %s is rewritten, its coding and length kept right',
    async (coding) => {
      await using org = await startOrgAnswering((_, response) => {
        const body = encoded(Buffer.from(identityOf('https://login.salesforce.com')), coding)
        response.writeHead(200, {
          'Content-Type': 'application/json',
          'Content-Encoding': coding,
          'Content-Length': body.length,
          'Content-Digest': 'sha-256=:x:',
          ETag: '"kept"',
        })
        response.end(body)
      })
      const reply = await ask(org.app.port, USERINFO)
      expect(encoded(Buffer.from(identityOf(org.app.url)), coding).equals(reply.body)).toBe(true)
      expect(reply.headers).toMatchObject({ 'content-length': String(reply.body.length), etag: '"kept"' })
      expect(reply.headers['content-digest']).toBeUndefined()
    },
  )

  test.each([
    ['broken gzip', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'no gzip at all'],
    ['a part of it', { 'content-type': 'application/json', 'content-range': 'bytes 0-9/99' }, '{"id":"ht'],
    ['nothing of ours', { 'content-type': 'application/json' }, '{"a":"https://example.com/services/"}'],
    ['no body', { 'content-type': 'application/json' }, ''],
    [
      'more than is ever held',
      { 'content-type': 'application/json' },
      identityOf('https://login.salesforce.com') + ' '.repeat(70_000),
    ],
    ['another type', { 'content-type': 'text/javascript' }, 'x({"id":"https://login.salesforce.com/id/1/2"})'],
  ])('that is %s passes byte for byte', async (_, headers, body) => {
    await using org = await startOrgAnswering((_request, response) => {
      response.writeHead('content-range' in headers ? 206 : 200, headers).end(body)
    })
    const reply = await ask(org.app.port, USERINFO)
    expect(reply.text).toBe(body)
  })

  test('that breaks off while it is held is an error, not an answer', async () => {
    await using org = await startOrgAnswering((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":', () => response.destroy())
    })
    expect((await ask(org.app.port, USERINFO)).status).toBe(502)
  })
})

describe('a SOAP answer', () => {
  const soap = (operation: string, inner: string) =>
    `<?xml version="1.0"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><${operation}><result>${inner}</result></${operation}></S:Body></S:Envelope>`
  const server = (origin: string) => `<serverUrl>${origin}/services/Soap/u/62.0/00D</serverUrl>`
  const send = (port: number) =>
    ask(port, SOAP, { method: 'POST', headers: { 'content-type': 'text/xml' }, body: ENVELOPE })

  test.each(['identity', 'gzip'])('of a login is rewritten, in pieces and in %s', async (coding) => {
    await using org = await startOrgAnswering((_, response) => {
      const body = encoded(Buffer.from(soap('getUserInfoResponse', server('https://acme.my.salesforce.com'))), coding)
      response.writeHead(200, { 'content-type': 'text/xml', 'content-encoding': coding })
      for (const byte of body) response.write(Buffer.of(byte))
      response.end()
    })
    const reply = await send(org.app.port)
    expect(read(reply)).toBe(soap('getUserInfoResponse', server(org.app.url)))
  })

  test('of another operation flows at once, and as it is', async () => {
    const answered = Promise.withResolvers<{ end: (text: string) => void }>()
    const [start, rest] = [soap('queryResponse', server('https://acme.my.salesforce.com')).slice(0, 150), '…']
    await using org = await startOrgAnswering((_, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' }).write(start)
      answered.resolve(response)
    })
    const reply = await fetch(org.app.url + SOAP, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: ENVELOPE,
    })
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(start)
    ;(await answered.promise).end(rest)
    expect((await reader?.read())?.value).toBe(rest)
  })

  test('whose beginning never shows an operation is not held', async () => {
    const odd = `<?xml version="1.0"?><!--${'x'.repeat(5000)}-->`
    await using org = await startOrgAnswering((_, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' }).end(odd)
    })
    expect((await send(org.app.port)).text).toBe(odd)
    expect(org.org.requests.at(-1)?.headers.authorization).toBe(`Bearer ${API_TOKEN}`)
  })
})
