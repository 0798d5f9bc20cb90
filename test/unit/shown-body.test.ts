import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createCredentialNet } from '../../src/inspector/credential-net.ts'
import { showBody } from '../../src/inspector/shown-body.ts'
import { BodyBeginning } from '../../src/server/body-capture.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

const net = createCredentialNet(() => ['the-secret-value'])

/** As it is captured: no more than the first 16 KiB. */
function shown(body: Buffer | string, headers: Record<string, string> = {}) {
  const whole = Buffer.from(body)
  const beginning = new BodyBeginning(new BodyMemory({ totalBytes: 1_000_000 }).claim({ isNeeded: false }))
  for (let at = 0; at < whole.length; at += 1000) beginning.add(whole.subarray(at, at + 1000))
  return showBody({ bytes: beginning.bytes(), total: whole.length, headers: Object.entries(headers) }, net)
}

test('none, one that is not asked for, and text', () => {
  expect(showBody({ bytes: Buffer.alloc(0), total: 0, headers: [] }, net)).toEqual({ kind: 'none' })
  expect(showBody({ bytes: undefined, total: 7, headers: [] }, net)).toEqual({ kind: 'unasked', bytes: 7 })
  expect(shown('{"a":1}', { 'Content-Type': 'application/json' })).toEqual({
    kind: 'text',
    bytes: 7,
    type: 'application/json',
    text: '{"a":1}',
    isCut: false,
    isRedacted: false,
    coding: null,
  })
})

test.each([
  { coding: 'gzip', encode: gzipSync },
  { coding: 'x-gzip', encode: gzipSync },
  { coding: 'deflate', encode: deflateSync },
  { coding: 'br', encode: brotliCompressSync },
])('$coding is decoded', ({ coding, encode }) => {
  const text = 'Ünïcode '.repeat(50)
  expect(shown(encode(text), { 'content-encoding': coding.toUpperCase() })).toMatchObject({
    text,
    coding,
    isCut: false,
  })
})

test('compressed data that was cut gives the beginning that can be read', () => {
  let noise = ''
  for (let n = 0; noise.length < 200_000; n++) noise += `${(n * 2_654_435_761) % 4_294_967_296} `
  for (const [coding, encode] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const) {
    const body = shown(encode(noise), { 'content-encoding': coding })
    expect(body).toMatchObject({ kind: 'text', isCut: true })
    expect(noise.startsWith((body as { text: string }).text)).toBe(true) // kind is text
    expect((body as { text: string }).text.length).toBe(16_384)
  }
})

test('what expands a thousandfold is shown in part, at bounded cost', () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a'))
  expect(shown(bomb, { 'content-encoding': 'gzip' })).toMatchObject({ kind: 'text', isCut: true, bytes: bomb.length })
})

test.each([
  { what: 'bytes that are no text', body: Buffer.from([0x50, 0x4b, 3, 4, 0, 0xff]), headers: {} },
  { what: 'text with a NUL', body: Buffer.from('a\0b'), headers: {} },
  { what: 'gzip that is none', body: Buffer.from('not gzip'), headers: { 'content-encoding': 'gzip' } },
  { what: 'an unknown coding', body: Buffer.from('abc'), headers: { 'content-encoding': 'zstd' } },
  { what: 'an unknown charset', body: Buffer.from('abc'), headers: { 'content-type': 'text/plain; charset=klingon' } },
])('$what is shown as its size', ({ body, headers }) => {
  expect(shown(body, headers)).toMatchObject({ kind: 'binary', bytes: body.length })
})

test('a charset that is named is honoured; a character cut in two is no mistake', () => {
  const latin1 = Buffer.from('Zürich', 'latin1')
  expect(shown(latin1, { 'content-type': 'text/csv; charset="ISO-8859-1"' })).toMatchObject({ text: 'Zürich' })
  expect(shown(latin1)).toMatchObject({ kind: 'binary' })
  expect(shown('ü'.repeat(10_000).padStart(20_001, 'x'))).toMatchObject({ kind: 'text', isCut: true })
})

test('credentials are blanked, also one that the limit cuts in two', () => {
  expect(shown('x the-secret-value y')).toMatchObject({ text: 'x [redacted] y', isRedacted: true })
  const cut = shown(`${'x'.repeat(16_384 - 8)}the-secret-value`)
  expect((cut as { text: string }).text).not.toContain('the-secr') // kind is text
})

test('the beginning is a copy: what the socket does with its buffer later does not matter', () => {
  const beginning = new BodyBeginning(new BodyMemory({ totalBytes: 1_000_000 }).claim({ isNeeded: false }))
  const chunk = Buffer.from('first')
  beginning.add(chunk)
  chunk.fill('x')
  expect(beginning.bytes().toString()).toBe('first')
})
