import { expect, test } from 'vitest'
import { codingOf, decoded, encoded, isKnownCoding } from '../../src/upstream/content-coding.ts'
import fc from '../support/properties.ts'

const CODINGS = ['identity', 'gzip', 'x-gzip', 'deflate', 'br', 'zstd'] as const

test('what is encoded is decoded to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(...CODINGS), (bytes, coding) => {
      const plain = Buffer.from(bytes)
      expect(decoded(encoded(plain, coding), coding, 4000)?.equals(plain)).toBe(true)
    }),
  )
})

test.each(['gzip', 'deflate', 'br', 'zstd'])('a bomb in %s gives nothing', (coding) => {
  expect(decoded(encoded(Buffer.alloc(100_000), coding), coding, 1000)).toBeUndefined()
})

test('a coding is read without regard to case, and a list of several is none that is known', () => {
  expect([codingOf(' GZip '), codingOf(undefined)]).toEqual(['gzip', 'identity'])
  expect(isKnownCoding(codingOf('gzip, br'))).toBe(false)
  expect(CODINGS.every(isKnownCoding)).toBe(true)
})
