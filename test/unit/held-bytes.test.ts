import { expect, test } from 'vitest'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { HeldBytes } from '../../src/upstream/held-bytes.ts'
import fc from '../support/properties.ts'

const holding = (totalBytes = 10_000_000) => new HeldBytes(new BodyMemory({ totalBytes }).claim({ isNeeded: true }))

test('a body in pieces of one byte is held in a few hundred, not in a million', () => {
  const held = holding()
  const body = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => at % 251))
  for (let at = 0; at < body.length; at++) held.push(body.subarray(at, at + 1))
  expect(held.concat().equals(body)).toBe(true)
  expect(held.pieces().length).toBeLessThan(body.length / 4000)
})

test('large pieces are held as they are, without a copy', () => {
  const held = holding()
  const [first, second] = [Buffer.alloc(5000, 'a'), Buffer.alloc(5000, 'b')]
  held.push(first)
  held.push(second)
  expect(held.pieces()[0]).toBe(first)
  expect(held.pieces()[1]).toBe(second)
})

test('what the memory has no room for is not held', () => {
  const held = holding(5)
  expect([held.push(Buffer.from('1234')), held.push(Buffer.from('56')), held.push(Buffer.from('5'))]).toEqual([
    true,
    false,
    true,
  ])
  expect([held.concat().toString(), held.length]).toEqual(['12345', 5])
})

test('any pieces make the body that they were, and those that were taken before stay what they were', () => {
  const size = fc.oneof(fc.nat(10), fc.nat(5000), fc.integer({ min: 4090, max: 4100 }))
  fc.assert(
    fc.property(fc.array(size), fc.nat(), (sizes, lookAt) => {
      const held = holding()
      const pieces = sizes.map((length, at) => Buffer.alloc(length, at))
      let early: { pieces: readonly Buffer[]; body: Buffer } | undefined
      for (const [at, piece] of pieces.entries()) {
        held.push(piece)
        if (at === lookAt % pieces.length) early = { pieces: held.pieces(), body: held.concat() }
      }
      expect(held.concat().equals(Buffer.concat(pieces))).toBe(true)
      expect(Buffer.concat(held.pieces()).equals(Buffer.concat(pieces))).toBe(true)
      if (early) expect(Buffer.concat(early.pieces).equals(early.body)).toBe(true)
    }),
  )
})
