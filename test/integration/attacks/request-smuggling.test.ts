import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { head, statuses } from '../../support/raw-bytes.ts'

/* One request or none: what a second one is hidden in must never become a request of its own, here or at the org. */

const PATH = '/services/data/v62.0/sobjects/Account'
const POST = `POST ${PATH} HTTP/1.1`
const HIDDEN = lastHead('GET /services/data/hidden HTTP/1.1', 'X-Hidden: 1')
const CHUNKED = 'Transfer-Encoding: chunked'
const post = (body: string, ...fields: string[]) => lastHead(POST, ...fields) + body

describe('a message whose end can be read in two ways is refused', () => {
  test.each([
    ['CL and TE', post(`0\r\n\r\n${HIDDEN}`, `Content-Length: ${HIDDEN.length + 5}`, CHUNKED)],
    ['TE and CL', post(`0\r\n\r\n${HIDDEN}`, CHUNKED, 'Content-Length: 4')],
    ['CL of 0 and TE', post(`0\r\n\r\n${HIDDEN}`, 'Content-Length: 0', CHUNKED)],
    ['two CL', post(HIDDEN, 'Content-Length: 0', `Content-Length: ${HIDDEN.length}`)],
    ['two CL alike', post('{}', 'Content-Length: 2', 'Content-Length: 2')],
    ['a list of lengths', post(HIDDEN, 'Content-Length: 0, 2')],
    ['a length with a sign', post(HIDDEN, 'Content-Length: +0')],
    ['a negative length', post(HIDDEN, 'Content-Length: -1')],
    ['a length in hexadecimal', post(HIDDEN, 'Content-Length: 0x0')],
    ['a length in words', post(HIDDEN, 'Content-Length: zero')],
    ['a length with a blank inside', post(HIDDEN, 'Content-Length: 1 0')],
    ['a length beyond all', post(HIDDEN, 'Content-Length: 18446744073709551616')],
    ['no length', post(HIDDEN, 'Content-Length:')],
    ['two TE', post(`0\r\n\r\n${HIDDEN}`, CHUNKED, 'Transfer-Encoding: identity')],
    ['two TE alike', post(`0\r\n\r\n${HIDDEN}`, CHUNKED, CHUNKED)],
    ['chunked in the middle', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding: chunked, identity')],
    ['chunked twice in one', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding: chunked, chunked')],
    ['an unknown coding', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding: xchunked')],
    ['identity', post(HIDDEN, 'Transfer-Encoding: identity')],
    ['chunked in quotes', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding: "chunked"')],
    ['chunked with a tail', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding: chunked;q=1')],
    ['vertical tab before it', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding:\u000bchunked')],
    ['a folded TE', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding:\r\n chunked')],
    ['a blank before the colon', post(`0\r\n\r\n${HIDDEN}`, 'Transfer-Encoding : chunked')],
    ['TE behind a bare CR', post(HIDDEN, 'X: a\rTransfer-Encoding: chunked')],
    ['TE behind a bare LF', post(HIDDEN, 'X: a\nTransfer-Encoding: chunked')],
    ['lines that end with LF', `${POST}\nHost: localhost\nContent-Length: 0\n\n${HIDDEN}`],
    ['a head that ends with LF', `${POST}\r\nHost: localhost\r\nContent-Length: 0\r\n\n${HIDDEN}`],
    ['a chunk of unknown size', post(`x\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk size with a sign', post(`+0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk size with 0x', post(`0x0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk size with a blank', post(`1 0\r\nx\r\n0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk size beyond all', post(`fffffffffffffffff0\r\nx\r\n0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['no chunk size', post(`\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk longer than it says', post(`1\r\nxyz\r\n0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk without its line end', post(`1\r\nx0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['chunks that end with LF', post(`1\nx\n0\n\n${HIDDEN}`, CHUNKED)],
    ['a chunk extension with CR', post(`1;a\rb\r\nx\r\n0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['a chunk extension with LF', post(`1;a\nb\r\nx\r\n0\r\n\r\n${HIDDEN}`, CHUNKED)],
    ['TE in HTTP/1.0', `POST ${PATH} HTTP/1.0\r\nHost: localhost\r\n${CHUNKED}\r\n\r\n0\r\n\r\n${HIDDEN}`],
    ['a version with a tail', head(`POST ${PATH} HTTP/1.1x`, 'Content-Length: 0') + HIDDEN],
    ['an unknown version', head(`POST ${PATH} HTTP/1.9`, 'Content-Length: 0') + HIDDEN],
    ['no version, and fields', `POST ${PATH}\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n${HIDDEN}`],
    ['a tab in the request line', head(`POST\t${PATH} HTTP/1.1`, 'Content-Length: 0') + HIDDEN],
    ['an unknown method', head(`PO/ST ${PATH} HTTP/1.1`, 'Content-Length: 0') + HIDDEN],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked()
    const answer = await place.attack(bytes)
    expect(place.reached().map(({ target }) => target)).not.toContain('/services/data/hidden')
    expect(place.org.received().toString('latin1')).not.toContain('X-Hidden')
    expect(statuses(answer).every((status) => status >= 400 && status < 500)).toBe(true)
    await place.expectNothing()
  })
})

describe('a transfer coding that would get lost on the way is refused, and the connection lives on', () => {
  // What is left of the coding is a body that nobody could read: it goes on in chunks of our own (RFC 9112 §6.1).
  test.each([
    ['gzip before chunked', ['Transfer-Encoding: gzip, chunked']],
    ['in two fields', ['Transfer-Encoding: gzip', CHUNKED]],
    ['in odd letters', ['tRANSFER-eNCODING: DEFLATE , Chunked']],
    ['identity before chunked', ['Transfer-Encoding: identity, chunked']],
    ['nothing before chunked', ['Transfer-Encoding: ,chunked']],
    ['named by Connection', ['Transfer-Encoding: gzip, chunked', 'Connection: transfer-encoding']],
  ])('%s', async (_what, fields) => {
    await using place = await startAttacked()
    const chunks = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`
    const answer = await place.attack(head(POST, ...fields) + chunks + lastHead('GET /services/data/after HTTP/1.1'))
    expect(statuses(answer)).toEqual([501, 200])
    expect(answer).toContain('"errorCode":"PROXY_CODING_UNSUPPORTED"')
    expect(place.reached().map(({ target }) => target)).toEqual(['/services/data/after'])
    await place.expectNothing()
  })
})

test('chunks in HTTP/1.0 are faulty framing: 400, and the connection ends', async () => {
  await using place = await startAttacked()
  const bytes = `POST ${PATH} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n${CHUNKED}\r\n\r\n0\r\n\r\n${HIDDEN}`
  const answer = await place.attack(bytes)
  expect(statuses(answer)).toEqual([400])
  expect(answer).toContain('"errorCode":"PROXY_REQUEST_INVALID"')
  await place.expectNothing()
})

describe('what is a body stays one', () => {
  test.each([
    ['by its length', post(HIDDEN, `Content-Length: ${HIDDEN.length}`)],
    ['by its chunks', post(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`, CHUNKED)],
    ['by chunks with extensions', post(`${HIDDEN.length.toString(16)};a="b"\r\n${HIDDEN}\r\n0;x\r\n\r\n`, CHUNKED)],
    ['in odd letters', post(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`, 'tRANSFER-eNCODING: ChUnKeD')],
    [
      'by a length that Connection names',
      post(HIDDEN, `Content-Length: ${HIDDEN.length}`, 'Connection: content-length'),
    ],
    [
      'by chunks that Connection names',
      post(`${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`, CHUNKED, 'Connection: transfer-encoding'),
    ],
    ['of a GET', lastHead(`GET ${PATH} HTTP/1.1`, `Content-Length: ${HIDDEN.length}`) + HIDDEN],
    ['of a DELETE', lastHead(`DELETE ${PATH}/001 HTTP/1.1`, `Content-Length: ${HIDDEN.length}`) + HIDDEN],
    ['of an OPTIONS', lastHead(`OPTIONS ${PATH} HTTP/1.1`, `Content-Length: ${HIDDEN.length}`) + HIDDEN],
  ])('%s', async (_what, bytes) => {
    await using place = await startAttacked()
    expect(statuses(await place.attack(bytes))).toEqual([200])
    const { body } = await place.expectOne()
    expect((await body).toString('latin1')).toBe(HIDDEN)
  })

  test('after an answer that came early, what is left of the body is no request', async () => {
    await using place = await startAttacked({}, (_request, response) => {
      response.writeHead(413, { 'content-length': '2' }).end('no')
    })
    const large = HIDDEN.repeat(20_000)
    const answer = await place.attack(
      head(POST, `Content-Length: ${large.length}`) + large + lastHead('GET /services/data/after HTTP/1.1'),
    )
    // The second request's answer, if the connection lived, is its own.
    expect(statuses(answer)[0]).toBe(413)
    expect(statuses(answer).length).toBeLessThanOrEqual(2)
    const targets = place.reached().map(({ target }) => target)
    expect(targets[0]).toBe(PATH)
    expect(targets.slice(1).filter((target) => target !== '/services/data/after')).toEqual([])
  })

  test.each([
    ['refused for its path', '/setup', 403],
    ['refused for its key', PATH, 403],
    ['refused for what it composes', '/services/data/v62.0/composite', 403],
  ])('%s: what is left of the body is no request', async (what, path, status) => {
    await using place = await startAttacked(what.includes('key') ? { PROXY_API_KEY: 'k3y-of-the-test' } : {})
    const large = HIDDEN.repeat(20_000)
    const after = lastHead('GET /services/data/after HTTP/1.1', 'X-Api-Key: k3y-of-the-test')
    const answer = await place.attack(head(`POST ${path} HTTP/1.1`, `Content-Length: ${large.length}`) + large + after)
    expect(statuses(answer)).toEqual([status, 200])
    expect(place.reached().map(({ target }) => target)).toEqual(['/services/data/after'])
  })

  test('pipelined requests get their own answers, in order, whatever each is', async () => {
    await using place = await startAttacked({}, (request, response) => {
      request.resume().on('end', () => response.end(request.url))
    })
    const answer = await place.attack(
      [
        head('GET /services/data/1 HTTP/1.1'),
        head('POST /setup HTTP/1.1', 'Content-Length: 3') + 'abc',
        head('POST /services/data/3 HTTP/1.1', CHUNKED) + '3\r\nabc\r\n0\r\n\r\n',
        head('GET /services/data/4 HTTP/1.1', 'Host: evil.example'),
        lastHead('GET /services/data/5 HTTP/1.1'),
      ].join(''),
    )
    expect(statuses(answer)).toEqual([200, 403, 200, 403, 200])
    expect([...answer.matchAll(/\/services\/data\/\d/g)].map(([target]) => target.at(-1))).toEqual(['1', '3', '5'])
  })
})
