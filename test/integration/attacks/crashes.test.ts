import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { head, statuses } from '../../support/raw-bytes.ts'

/* An org, or a caller, that breaks every rule: the caller gets an answer or a broken connection, and the daemon serves on. */

const GET = 'GET /services/data/v62.0/limits HTTP/1.1'
const OK = 'HTTP/1.1 200 OK\r\n'

describe('an org that answers nonsense', () => {
  test.each([
    ['status 888', 'HTTP/1.1 888 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['status 99', 'HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['status 0', 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['status 1000', 'HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['no status', 'HTTP/1.1 \r\n\r\n'],
    ['no HTTP', 'nonsense\r\n\r\n'],
    ['nothing', ''],
    ['HTTP/0.9', '<html>'],
    ['a reason with controls', 'HTTP/1.1 200 O\u0001K\u007f\r\nContent-Length: 0\r\n\r\n'],
    ['a reason outside ASCII', 'HTTP/1.1 200 \u00e4\u00ff\r\nContent-Length: 0\r\n\r\n'],
    ['a control in a field', `${OK}X: a\u0001b\r\nContent-Length: 0\r\n\r\n`],
    ['bytes outside ASCII in a field', `${OK}X: \u00e4\u00ff\r\nContent-Length: 0\r\n\r\n`],
    ['NUL in a field', `${OK}X: a\u0000b\r\nContent-Length: 0\r\n\r\n`],
    ['NUL in a name', `${OK}X\u0000: a\r\nContent-Length: 0\r\n\r\n`],
    ['a blank in a name', `${OK}X Y: a\r\nContent-Length: 0\r\n\r\n`],
    ['no name', `${OK}: a\r\nContent-Length: 0\r\n\r\n`],
    ['a bare CR', `${OK}X: a\rY: b\r\nContent-Length: 0\r\n\r\n`],
    ['__proto__', `${OK}__proto__: x\r\nconstructor: y\r\nContent-Length: 0\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a length in words', `${OK}Content-Length: many\r\n\r\nab`],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\nab`],
    ['a length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['an unknown coding', `${OK}Transfer-Encoding: xyz\r\n\r\nab`],
    ['a chunk of unknown size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nab`],
    ['an endless head', `${OK}${'X: y\r\n'.repeat(20_000)}`],
    ['a field of 1 MB', `${OK}X: ${'y'.repeat(1_000_000)}\r\n\r\n`],
    ['a gzip that is none', `${OK}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab`],
    ['a 204 with a body', 'HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nab'],
    ['a 304 with a length', 'HTTP/1.1 304 Same\r\nContent-Length: 2000\r\n\r\n'],
    ['only interim answers', 'HTTP/1.1 103 Early\r\nX: y\r\n\r\n'.repeat(50)],
    ['a 101', 'HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw'],
    ['a 100 and no more', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['two answers', `${OK}Content-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb`],
    ['less than its length', `${OK}Content-Length: 100\r\n\r\nab`],
    ['chunks without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`],
    ['trailers that are nonsense', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX\u0000: y\r\n\r\n`],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked({}, (request) => {
      if (request.url === '/services/data/served') request.socket.end(`${OK}Content-Length: 2\r\n\r\nok`)
      else request.socket.end(bytes, 'latin1')
    })
    const answer = await place.attack(lastHead(GET))
    // One whole answer, the org's or the proxy's own; or one that breaks off. Never two.
    expect(statuses(answer).filter((status) => status >= 200).length).toBeLessThanOrEqual(1)
    expect(place.app.log()).not.toContain('"level":60')
    place.reached()
    await place.expectNothing()
  })

  test.each(['before the head', 'in the head', 'after the head', 'in the body'])('a reset %s', async (when) => {
    await using place = await startAttacked({}, (request, response) => {
      if (request.url === '/services/data/served') response.end('ok')
      else {
        if (when !== 'before the head')
          request.socket.write(when === 'in the head' ? 'HTTP/1.1 20' : `${OK}Content-Length: 9\r\n\r\n`)
        if (when === 'in the body') request.socket.write('half')
        request.socket.resetAndDestroy()
      }
    })
    const answer = await place.attack(lastHead(GET))
    expect([[], [200], [502]]).toContainEqual(statuses(answer))
    place.reached()
    await place.expectNothing()
  })
})

describe('a caller that leaves', () => {
  const bytes = head(
    'POST /services/data/v62.0/composite HTTP/1.1',
    'Content-Type: application/json',
    'Content-Length: 40',
  )
  const body = JSON.stringify({ compositeRequest: [] }).padEnd(40)

  test('at every byte of its request, politely or by a reset', async () => {
    await using place = await startAttacked()
    const whole = bytes + body
    const callers = Array.from({ length: whole.length }, async (_, length) => {
      const socket = connect(place.port, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      const closed = once(socket, 'close')
      await once(socket, 'connect')
      await new Promise((resolve) => socket.write(whole.slice(0, length), resolve))
      if (length % 2 === 0) socket.resetAndDestroy()
      else socket.end()
      await closed
    })
    await Promise.all(callers)
    expect(place.app.log()).not.toMatch(/"level":[56]0/)
    place.reached()
    await place.expectNothing()
  })

  test('at every stage of a long answer', async () => {
    await using place = await startAttacked({}, (request, response) => {
      request.resume()
      if (request.url === '/services/data/served') response.end('ok')
      else response.writeHead(200, { 'content-length': '10000000' }).write('x'.repeat(5_000_000))
    })
    for (const stage of ['head', 'first bytes', 'many bytes']) {
      const socket = connect(place.port, '127.0.0.1')
      socket.on('error', () => undefined)
      let seen = 0
      const closed = once(socket, 'close')
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (stage === 'head' || (stage === 'first bytes' && seen > 70_000) || seen > 1_000_000) socket.resetAndDestroy()
      })
      socket.write(lastHead(GET))
      await closed
    }
    expect(place.app.log()).not.toMatch(/"level":[56]0/)
    place.reached()
    await place.expectNothing()
  })
})
