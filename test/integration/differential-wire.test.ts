import { describe, expect, test } from 'vitest'
import { pairsOf, seenBy, type Wanted } from '../support/differential.ts'
import { DOCUMENTED_ANSWERS } from '../support/documented-answers.ts'
import { startOrgAnswering } from '../support/org-answering.ts'
import type { Seen as Arrived } from '../support/origin-server.ts'
import fc from '../support/properties.ts'

/*
 * The same bytes from a bare socket, asked for straight and through the proxy; and the same request, as it arrives there.
 */

const PATH = '/services/data/v62.0/wire'

/** What each request is answered with, in turn: an exact sequence of bytes, in pieces, and then the end of the connection. */
function socketAnswering() {
  const answer: { pieces: readonly Buffer[] } = { pieces: [] }
  return {
    answer,
    start: () =>
      startOrgAnswering((request, response) => {
        request.resume().on('end', () => {
          const { socket } = response
          for (const piece of answer.pieces) socket?.write(piece)
          socket?.end()
        })
      }),
  }
}

const GET: Wanted = { method: 'GET', path: PATH, headers: [] }

describe('documented answers come through as they are', () => {
  test.each(Object.entries(DOCUMENTED_ANSWERS))('%s', async (_, bytes) => {
    const { answer, start } = socketAnswering()
    await using org = await start()
    answer.pieces = [bytes]
    const expected = await seenBy(org.org.port, GET)
    expect(await seenBy(org.app.port, GET)).toEqual(expected)
    expect(expected.status).toBe(Number(bytes.toString('latin1', 9, 12)))
  })
})

const name = fc.stringMatching(/^[A-Za-z][\w!#$%&'*+.^`|~-]{0,20}$/).map((text) => `X-${text}`)
/** Everything that a field may hold but controls: obs-text too, in the bytes of latin1. */
const value = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 60 },
  )
  .map((codes) => String.fromCharCode(...codes).trim())
const fields = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat())

test('hundreds of generated answers come through as they are, however they are framed and cut', async () => {
  const { answer, start } = socketAnswering()
  await using org = await start()
  const answers = fc.record({
    status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 401),
    text: fc.stringMatching(/^[A-Za-z ]{0,20}$/).map((text) => text.trim()),
    fields,
    body: fc.uint8Array({ maxLength: 3000 }),
    framing: fc.constantFrom('length', 'chunks', 'close'),
    cuts: fc.array(fc.integer({ min: 0, max: 3500 }), { maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(answers, async ({ status, text, fields: pairs, body, framing, cuts }) => {
      const lines = pairsOf(pairs).map(([field, content]) => `${field}: ${content}`)
      const hasBody = status !== 204 && status !== 304
      const head = (field: string) =>
        Buffer.from([`HTTP/1.1 ${status} ${text}`, ...lines, field, '', ''].join('\r\n'), 'latin1')
      const bytes = Buffer.concat(
        !hasBody
          ? [head('X-Last: 1')]
          : framing === 'length'
            ? [head(`Content-Length: ${body.length}`), body]
            : framing === 'close'
              ? [head('Connection: close'), body]
              : [
                  head('Transfer-Encoding: chunked'),
                  ...(body.length === 0
                    ? []
                    : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]),
                  Buffer.from('0\r\n\r\n'),
                ],
      )
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      answer.pieces = at.slice(1).map((end, n) => bytes.subarray(at[n], end))
      const expected = await seenBy(org.org.port, GET)
      expect(await seenBy(org.app.port, GET)).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})

/** What the proxy says of itself and of the session; Host is the upstream's, and the connection is another one. */
const OURS: ReadonlySet<string> = new Set(['host', 'connection', 'via', 'user-agent', 'authorization'])

async function essenceOf(arrived: Arrived | undefined) {
  if (arrived === undefined) throw new Error('nothing arrived')
  const { method, target, rawHeaders, body } = arrived
  const headers = pairsOf(rawHeaders).filter(([field]) => !OURS.has(field.toLowerCase()))
  // Chunks are this hop's: a body that has all come when it is sent on may be given a length instead. A length stays one.
  const chunks = headers.filter(([field]) => field.toLowerCase() === 'transfer-encoding')
  const length = headers.filter(([field]) => field.toLowerCase() === 'content-length')
  const bytes = await body
  expect([[], [String(bytes.length)]]).toContainEqual(length.map(([, content]) => content))
  return {
    method,
    target,
    headers: headers.filter((pair) => !chunks.includes(pair) && !length.includes(pair)),
    hasLength: length.length > 0,
    body: bytes.toString('latin1'),
  }
}

test('hundreds of generated requests arrive as they were sent, however they are framed', async () => {
  await using org = await startOrgAnswering((request, response) => {
    request.resume().on('end', () => response.end())
  })
  const requests = fc.record({
    method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'QUERY', 'PROPFIND'),
    path: fc.stringMatching(/^[\w~'()*!$&,:@%=?/+-]{0,40}$/).map((text) => `${PATH}?q=${text}`),
    headers: fields.filter((list) => !list.some((text) => text.includes('_'))),
    body: fc.option(
      fc.uint8Array({ minLength: 1, maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
      { nil: undefined },
    ),
    pieces: fc.integer({ min: 1, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(requests, async (wanted) => {
      await seenBy(org.org.port, wanted)
      const { hasLength, ...straight } = await essenceOf(org.org.requests.at(-1))
      await seenBy(org.app.port, wanted)
      const arrived = await essenceOf(org.org.requests.at(-1))
      expect(arrived).toEqual({ ...straight, hasLength: hasLength || arrived.hasLength })
    }),
    { numRuns: 200 },
  )
})
