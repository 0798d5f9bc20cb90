import { once } from 'node:events'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { lastHead, TOKEN } from '../../support/attacked.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startGuarded } from '../../support/guarded-app.ts'
import { startOriginServer } from '../../support/origin-server.ts'
import { head, sendRaw, statuses } from '../../support/raw-bytes.ts'
import { seriesOf } from '../../support/scrape.ts'
import { startStack } from '../../support/stack.ts'

const V = '/services/data/v62.0'
const GET = `GET ${V}/limits HTTP/1.1`
/** The limits of the listener are 10 s and more; these are asked of the same code. */
const SHORT = { headersTimeout: 200, connectionsCheckingInterval: 20, keepAliveTimeout: 100 }

/** Sends the pieces, and then nothing: resolves with the answer when the proxy has closed the connection. */
async function stalled(port: number, ...pieces: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const piece of pieces) socket.write(piece)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

describe('a connection that only holds a place is closed, while others are served', () => {
  test.each([
    ['nothing at all', [], [408]],
    ['half a request line', ['GET /serv'], [408]],
    ['a head without an end', [GET, '\r\nHost: localhost\r\n', 'X: y\r\n'], [408]],
    ['a request, and then nothing', [head(GET)], [200]],
    ['a request, and then half of one', [head(GET), 'GET /serv'], [200, 408]],
  ])('%s', async (_what, pieces, answers) => {
    await using guarded = await startGuarded({}, SHORT)
    const [other, answer] = await Promise.all([sendRaw(guarded, head(GET)), stalled(guarded.port, ...pieces)])
    expect(statuses(other)).toEqual([200])
    expect(statuses(answer)).toEqual(answers)
    expect(answer.includes('PROXY_REQUEST_TIMEOUT')).toBe(answers.at(-1) === 408)
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
  })

  test.each([
    ['a body that stops', head(`POST ${V}/sobjects/Account HTTP/1.1`, 'Content-Length: 10') + '{'],
    ['chunks that stop', head(`POST ${V}/sobjects/Account HTTP/1.1`, 'Transfer-Encoding: chunked') + '2\r\n{'],
    ['a body that is to be judged and stops', head(`POST ${V}/composite HTTP/1.1`, 'Content-Length: 10') + '{'],
    ['an envelope that stops', head('POST /services/Soap/u/62.0 HTTP/1.1', 'Content-Length: 90') + '<Envelope><Body>'],
  ])('%s', async (_what, bytes) => {
    await using guarded = await startGuarded({}, SHORT, { socketTimeoutMs: 200 })
    const answer = await stalled(guarded.port, bytes)
    expect(statuses(answer).filter((status) => status === 200)).toEqual([])
    expect(guarded.passed).toEqual([])
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
  })

  test('a hundred slow heads at once', async () => {
    await using guarded = await startGuarded({}, SHORT, { maxConnections: 200 })
    const slow = Array.from({ length: 100 }, () => stalled(guarded.port, `${GET}\r\nHost: localhost\r\n`))
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
    expect((await Promise.all(slow)).map(statuses)).toEqual(slow.map(() => [408]))
  })
})

describe('more than can be served is turned away', () => {
  test.each([
    ['fields', head(GET, ...Array.from({ length: 300 }, (_, at) => `X${at}: 1`)), 400],
    ['fields of one name', head(GET, ...Array.from({ length: 300 }, () => 'X: 1')), 400],
    ['thousands of fields', head(GET, ...Array.from({ length: 5_000 }, () => 'A:')), 431],
    ['bytes of a field', head(GET, `X: ${'y'.repeat(40_000)}`), 431],
    ['bytes of a name', head(GET, `${'y'.repeat(40_000)}: x`), 431],
    ['bytes of a target', head(`GET ${V}/query?q=${'x'.repeat(40_000)} HTTP/1.1`), 414],
    ['cookies', head(GET, `Cookie: ${'a=b; '.repeat(10_000)}`), 431],
    [
      'bytes of chunk extensions',
      head(`POST ${V} HTTP/1.1`, 'Transfer-Encoding: chunked') + `1;${'x'.repeat(40_000)}\r\nx\r\n`,
      413,
    ],
  ])('%s', async (_what, bytes, status) => {
    await using guarded = await startGuarded()
    expect(statuses(await sendRaw(guarded, bytes)).at(-1)).toBe(status)
    expect(guarded.passed.map(({ body }) => body)).toEqual([])
    expect(statuses(await sendRaw(guarded, head(GET)))).toEqual([200])
  })
})

/** What the heap holds once all garbage is gone. */
function heapAtRest(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // what the flag exposes
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const CONNECTIONS = 500
const PIPELINED = 20
const ALL = CONNECTIONS * PIPELINED

test(`${ALL} requests at once while the token endpoint hangs: each gets its 503, and the memory they took comes back`, async () => {
  let isHanging = true
  await using org = await startOriginServer((request, response) => {
    request.resume()
    if (request.url !== '/services/oauth2/token') response.end('{}')
    else if (!isHanging) response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' }))
  })
  const clock = new FakeClock()
  await using app = await startStack(org, { clock, env: { TOKEN_WAIT_MS: '5000', LOG_LEVEL: 'error' } })
  const inFlight = async () => {
    const series = seriesOf(await (await fetch(`${app.adminUrl ?? ''}/metrics`)).text())
    return series.find(({ name }) => name === 'cloudaware_proxy_requests_in_flight')?.value
  }
  const flood = async () => {
    const bytes = head(GET).repeat(PIPELINED - 1) + lastHead(GET)
    const callers = Array.from({ length: CONNECTIONS }, () => stalled(app.port, bytes))
    // All of them wait for a token, at the same time.
    await expect.poll(inFlight, { interval: 200 }).toBe(ALL)
    await clock.advance(5_000)
    const answers = await Promise.all(callers)
    expect(answers.every((answer) => statuses(answer).every((status) => status === 503))).toBe(true)
    expect(answers.flatMap(statuses)).toHaveLength(ALL)
  }
  await flood()
  const rest = heapAtRest()
  await flood()
  // One request that stayed would be some kilobytes: all of them would be tens of megabytes.
  expect(heapAtRest() - rest).toBeLessThan(8 * 1024 * 1024)
  expect(org.requests.filter(({ target }) => target !== '/services/oauth2/token')).toEqual([])

  // The attempt that hangs is given up after 30 s, and the next one is answered.
  isHanging = false
  const obtained = app.tokenEvent('obtained')
  await clock.advance(60_000)
  await obtained
  expect(statuses(await stalled(app.port, lastHead(GET)))).toEqual([200])
})
