import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { startOriginServer } from '../support/origin-server.ts'

/*
 * Nothing that leaves the program, the token's and the secret's own way aside, holds a secret: everything printed at level trace,
 * every answer of the proxy's own, and every page of the admin listener, while all goes wrong that can.
 */

// Of no shape that a pattern would know, and with bytes that look different in a form, in JSON and in Base64.
const SECRET = 'Consumer+Secret/with "odd" bytes'
const KEY = 'consumer-key-of-the-app'
const LIMITS = '/services/data/v67.0/limits'

/** What is never to be seen, in every form in which it travels. */
function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ secret }).toString().slice('secret='.length),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1),
  ]
}

/** An org whose two faces answer as the test says at each moment, and that remembers every token it has issued. */
async function leakyOrg(tls?: { key: string; cert: string }) {
  const issued: string[] = []
  const faces = {
    token(response: ServerResponse): void {
      const access_token = `issued-token-number-${issued.length + 1}`
      issued.push(access_token)
      response.end(JSON.stringify({ access_token, token_type: 'Bearer' }))
    },
    api(response: ServerResponse): void {
      response.end('{}')
    },
  }
  const origin = await startOriginServer((request, response) => {
    request.resume()
    if (request.url === '/services/oauth2/token') faces.token(response)
    else faces.api(response)
  }, tls)
  return {
    origin,
    faces,
    issued,
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  }
}

/** `serve` at level trace in front of an org, and everything that came out of it, answers' heads included. */
async function serving(url: string, env: Record<string, string> = {}) {
  const cli = new FakeCli(['serve', '--log-level=trace', '--log-format=json', '--admin-allow-quit'], {
    env: {
      CLOUDAWARE_URL: url,
      CLOUDAWARE_CLIENT_ID: KEY,
      CLOUDAWARE_CLIENT_SECRET: SECRET,
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      TOKEN_WAIT_MS: '2000',
      UPSTREAM_TIMEOUT_MS: '1000',
      ...env,
    },
  })
  await run(cli)
  // The first line of the log names both addresses.
  const listening = cli.printed.split('\n').find((line) => line.includes('"msg":"listening"')) ?? '{}'
  const { url: proxy, adminUrl } = JSON.parse(listening) as {
    url: string
    adminUrl: string
  }
  let answers = ''
  const fetched = async (address: string, init?: RequestInit) => {
    const response = await fetch(address, init)
    const body = await response.text().catch((error: unknown) => String(error))
    answers += `${response.status} ${JSON.stringify([...response.headers])} ${body}\n`
    return response.status
  }
  return {
    cli,
    call: (init?: RequestInit, path = LIMITS) => fetched(proxy + path, init),
    admin: async () => {
      for (const path of ['/livez', '/readyz', '/startupz', '/status', '/metrics']) await fetched(adminUrl + path)
    },
    refresh: () => fetched(`${adminUrl}/refresh`, { method: 'POST' }),
    /** Everything that the inspector keeps. */
    exchanges: async () => (await fetch(`${adminUrl}/exchanges.har`)).text(),
    everything: () => cli.printed + cli.complained + answers,
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  }
}

function expectClean(everything: string, secrets: readonly string[]): void {
  for (const secret of [SECRET, ...secrets]) {
    for (const form of formsOf(secret)) expect(everything).not.toContain(form)
  }
}

test('a day on which all goes wrong at the API', async () => {
  await using org = await leakyOrg()
  await using proxy = await serving(org.origin.url, { INSPECT: 'true' })
  org.faces.api = (response) => {
    response.setHeader('x-echo', String(org.issued.at(-1)))
    response.end(`{"echo": "${String(org.issued.at(-1))}", "of": ${JSON.stringify(SECRET)}}`)
  }
  expect(await proxy.call()).toBe(200)

  org.faces.api = (response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end('[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]')
  }
  expect(await proxy.call()).toBe(401)
  org.faces.api = (response) =>
    response.socket?.end(`HTTP/1.1 888 ${String(org.issued.at(-1))}\r\nBad\x00Header: x\r\n\r\n`)
  expect(await proxy.call()).toBe(502)
  org.faces.api = (response) => response.socket?.destroy()
  expect(await proxy.call()).toBe(502)
  org.faces.api = () => undefined
  expect(await proxy.call()).toBe(504)
  org.faces.api = (response) => {
    response
      .writeHead(302, {
        location: `https://elsewhere.example/?sid=${String(org.issued.at(-1))}`,
      })
      .end()
  }
  await proxy.call({ redirect: 'manual' }, '/services/apexrest/x').catch(() => undefined)

  expect(await proxy.call({}, '/secur/frontdoor.jsp')).toBe(403)
  expect(await proxy.call({ headers: { origin: 'https://evil.example' } })).toBe(403)
  // The upstream's own words and header fields hold the token; what the proxy says of it must not.
  const refusing = (dead: string | undefined) => (response: ServerResponse) => {
    if (response.req.headers.authorization !== `Bearer ${String(dead)}`) {
      response.req.resume().once('end', () => response.end('{}'))
      return
    }
    // After the whole body: an earlier answer would leave one that is small enough to be sent again.
    response.req.resume().once('end', () => {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]')
    })
  }
  org.faces.api = refusing(org.issued.at(-1))
  expect(await proxy.call()).toBe(200)
  org.faces.api = refusing(org.issued.at(-1))
  expect(await proxy.call({ method: 'POST', body: 'x'.repeat(2_000_000) })).toBe(503)

  await proxy.admin()
  const exchanges = await proxy.exchanges()
  expect(exchanges).toContain('x-echo')
  expectClean(exchanges, org.issued)
  await proxy.cli.stop()
  expect(org.issued.length).toBeGreaterThan(1)
  // The redirect's own Location is the upstream's answer, handed on as it is: the log is what is searched for it.
  expectClean(proxy.cli.printed + proxy.cli.complained, org.issued)
  expect(proxy.everything()).toContain('PROXY_SESSION_REPLACED')
  expect(proxy.cli.printed).toContain('the session ended')
})

test.each([
  {
    what: 'repeats the form in its description',
    answer: (response: ServerResponse) => {
      const error_description = `cannot take client_secret=${SECRET} of ${KEY}`
      response.writeHead(400).end(JSON.stringify({ error: 'invalid_client', error_description }))
    },
  },
  {
    what: 'repeats the secret as the error',
    answer: (response: ServerResponse) => response.writeHead(400).end(JSON.stringify({ error: SECRET })),
  },
  {
    what: 'shows the secret on a page',
    answer: (response: ServerResponse) => response.writeHead(503).end(`<html>${SECRET}</html>`),
  },
  {
    what: 'sends a token with a line break',
    answer: (response: ServerResponse) => response.end(JSON.stringify({ access_token: 'issued-bad\r\ntoken' })),
  },
  {
    what: 'breaks off inside the token',
    answer: (response: ServerResponse) => response.end('{"access_token":"issued-bad-token'),
  },
  {
    what: 'redirects, the secret in the address',
    answer: (response: ServerResponse) =>
      response
        .writeHead(302, {
          location: `https://${KEY}.example/?client_secret=${encodeURIComponent(SECRET)}`,
        })
        .end(),
  },
  {
    what: 'names a host with a token in it',
    answer: (response: ServerResponse) =>
      response.end(
        JSON.stringify({
          access_token: 'issued-bad-token',
          instance_url: 'https://x.example/?sid=issued-bad-token',
        }),
      ),
  },
])('a token endpoint that $what', async ({ answer }) => {
  await using org = await leakyOrg()
  org.faces.token = answer
  for (const clientAuth of ['post', 'basic']) {
    await using proxy = await serving(org.origin.url, {
      CLOUDAWARE_CLIENT_AUTH: clientAuth,
      TOKEN_WAIT_MS: '50',
    })
    await proxy.call()
    await proxy.refresh()
    await proxy.admin()
    await proxy.cli.stop()
    expectClean(proxy.everything(), ['issued-bad', Buffer.from(`${KEY}:`).toString('base64').slice(0, 16)])
  }
})

test('an upstream that is not whom it says it is', async () => {
  await using org = await leakyOrg(await selfSignedCertificate())
  await using proxy = await serving(org.origin.url, { TOKEN_WAIT_MS: '50' })
  expect(await proxy.call()).toBe(503)
  await proxy.admin()
  await proxy.cli.stop()
  expectClean(proxy.everything(), [])
  expectClean(org.origin.received().toString('latin1'), [])
})

test('a crash whose error holds it all, causes included', async () => {
  await using org = await leakyOrg()
  await using proxy = await serving(org.origin.url)
  expect(await proxy.call()).toBe(200)
  const cause = Object.assign(new Error(`the form was client_secret=${SECRET}`), { body: { client_secret: SECRET } })
  const headers = { authorization: `Bearer ${String(org.issued[0])}` }
  proxy.cli.stops[0]?.onCrash(Object.assign(new Error(`${SECRET} again`, { cause }), { headers }))
  await proxy.cli.stop()
  expect(proxy.cli.printed).toContain('"msg":"crashed"')
  expectClean(proxy.everything(), org.issued)
})

test('settings that hold it, by mistake or as they should', async () => {
  for (const argv of [
    ['--print-config'],
    ['--cloudaware-client-secret', SECRET],
    [`--cloudaware-client-secret=${SECRET}`],
    [SECRET],
    ['serve', SECRET],
    [`--${SECRET}`],
    ['--proxy-port', SECRET],
    ['--config', SECRET],
    ['status', SECRET],
  ]) {
    await using cli = new FakeCli(argv, {
      env: {
        CLOUDAWARE_URL: `https://${KEY}:${SECRET}@acme.my.salesforce.com`,
        CLOUDAWARE_CLIENT_SECRET: SECRET,
      },
    })
    await run(cli)
    expectClean(cli.printed + cli.complained, [])
  }
})
