import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { head, statuses } from '../../support/raw-bytes.ts'

const V = '/services/data/v62.0'
const GET = `GET ${V}/limits HTTP/1.1`
const HIDDEN = head('GET /services/data/hidden HTTP/1.1', 'X-Hidden: 1')
const WEBSOCKET = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** Upgrades are hop by hop, so one that passed would be a channel that no policy sees. */
describe('what would turn the connection into a tunnel', () => {
  test.each([
    ['CONNECT to another host', head('CONNECT evil.example:443 HTTP/1.1'), 405],
    ['CONNECT to the org', head('CONNECT localhost:443 HTTP/1.1', 'Proxy-Authorization: Basic eDp5'), 405],
    ['CONNECT with a path', head(`CONNECT ${V} HTTP/1.1`), 405],
    ['CONNECT, and a request at once', head('CONNECT evil.example:443 HTTP/1.1') + HIDDEN, 405],
    ['WebSocket', head(GET, 'Connection: Upgrade', 'Upgrade: websocket', ...WEBSOCKET), 400],
    ['WebSocket, and a request at once', head(GET, 'Connection: Upgrade', 'Upgrade: websocket') + HIDDEN, 400],
    [
      'WebSocket by POST',
      head(`POST ${V} HTTP/1.1`, 'Connection: upgrade', 'Upgrade: WebSocket', 'Content-Length: 0'),
      400,
    ],
    ['WebSocket to CometD', head('GET /cometd/62.0 HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket'), 400],
    ['WebSocket that Connection does not name', head(GET, 'Upgrade: websocket', ...WEBSOCKET), 400],
    ['one of several', head(GET, 'Connection: Upgrade', 'Upgrade: h2c, websocket'), 400],
    ['in two fields', head(GET, 'Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: websocket'), 400],
    ['TLS', head(`OPTIONS ${V} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: TLS/1.0'), 400],
    ['HTTP/3', head(GET, 'Connection: Upgrade', 'Upgrade: HTTP/3'), 400],
    ['a word of one letter', head(GET, 'Connection: Upgrade', 'Upgrade: x'), 400],
    [
      'the preface of HTTP/2',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000',
      400,
    ],
    ['HTTP/2 by its version', lastHead(`GET ${V} HTTP/2.0`), 400],
    ['HTTP/0.9 with fields', lastHead(`GET ${V} HTTP/0.9`), 400],
  ])('%s is refused, and no call', async (_what, bytes, status) => {
    await using place = await startAttacked()
    const answer = await (bytes.includes('Connection: close') ? place.attack(bytes) : place.attackAndLeave(bytes))
    expect(statuses(answer).slice(0, 1)).toEqual([status])
    expect(answer).not.toMatch(/^HTTP\/1\.1 (?:101|200)/m)
    expect(place.reached().map(({ target }) => target)).not.toContain(`${V}/limits`)
    await place.expectNothing()
  })

  test.each(['Connection: Upgrade, HTTP2-Settings', 'Connection: upgrade'])(
    'an offer of h2c (%s) is passed over: the answer is in HTTP/1.1, and a body stays a body',
    async (connection) => {
      await using place = await startAttacked()
      const fields = [connection, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA', 'Connection: close']
      const answer = await place.attack(
        head(`POST ${V}/sobjects/Account HTTP/1.1`, `Content-Length: ${HIDDEN.length}`, ...fields) + HIDDEN,
      )
      expect(statuses(answer)).toEqual([200])
      const { body, rawHeaders } = await place.expectOne()
      expect((await body).toString()).toBe(HIDDEN)
      expect(rawHeaders.join('\n')).not.toMatch(/^(?:upgrade|http2-settings)$/im)
    },
  )

  test('after a refused CONNECT the connection is closed, whatever is still sent on it', async () => {
    await using place = await startAttacked()
    const socket = connect(place.port, '127.0.0.1')
    socket.on('error', () => undefined).resume()
    const closed = once(socket, 'close')
    socket.write(head('CONNECT evil.example:443 HTTP/1.1'))
    await once(socket, 'data')
    socket.write(HIDDEN.repeat(100))
    await closed
    await place.expectNothing()
  })

  test('an org that answers 101 on its own is a failure, not a tunnel', async () => {
    await using place = await startAttacked({}, (request) => {
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw bytes')
    })
    const answer = await place.attack(lastHead(GET))
    expect(statuses(answer)).toEqual([502])
    expect(answer).not.toContain('raw bytes')
  })
})
