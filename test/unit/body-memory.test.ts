import { describe, expect, test } from 'vitest'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import fc from '../support/properties.ts'

const KIB = 1024
const NEEDED = { isNeeded: true }
const OPTIONAL = { isNeeded: false }

describe('a claim', () => {
  test('covers as much as is free, and counts what it has covered once, whoever asks', () => {
    const memory = new BodyMemory({ totalBytes: 10 })
    const claim = memory.claim(OPTIONAL)
    expect([claim.cover(6), claim.cover(6), claim.cover(4), memory.heldBytes]).toEqual([true, true, true, 6])
    const other = memory.claim(OPTIONAL)
    expect([other.cover(5), other.cover(4), memory.heldBytes]).toEqual([false, true, 10])
  })

  test('that was refused more still covers what it did', () => {
    const memory = new BodyMemory({ totalBytes: 10 })
    const claim = memory.claim(OPTIONAL)
    claim.cover(8)
    expect([claim.cover(11), claim.cover(8), memory.heldBytes]).toEqual([false, true, 8])
  })

  test('covers what works on the body beside it', () => {
    const memory = new BodyMemory({ totalBytes: 10 })
    const claim = memory.claim(OPTIONAL)
    expect([claim.coverBeside(4), claim.cover(6), claim.coverBeside(1), memory.heldBytes]).toEqual([
      true,
      true,
      false,
      10,
    ])
  })

  test('gives all back at once, however often it is released, and covers nothing from then on', () => {
    const memory = new BodyMemory({ totalBytes: 10 })
    const claim = memory.claim(OPTIONAL)
    claim.cover(5)
    claim.coverBeside(3)
    claim.release()
    claim.release()
    expect([claim.cover(1), claim.coverBeside(1), memory.heldBytes]).toEqual([false, false, 0])
  })
})

describe('the reserve', () => {
  const filled = () => {
    const memory = new BodyMemory({ totalBytes: 300 * KIB, reserveBytes: 100 * KIB })
    memory.claim(NEEDED).cover(200 * KIB)
    return memory
  }

  test('is open to needed bodies of 64 KiB, and what works on them', () => {
    const memory = filled()
    const claim = memory.claim(NEEDED)
    expect([claim.cover(64 * KIB), claim.coverBeside(36 * KIB)]).toEqual([true, true])
    expect(memory.heldBytes).toBe(300 * KIB)
  })

  test('is closed to larger ones, and to what a request can go without', () => {
    const memory = filled()
    expect(memory.claim(NEEDED).cover(64 * KIB + 1)).toBe(false)
    expect(memory.claim(OPTIONAL).cover(1)).toBe(false)
    expect(memory.claim(OPTIONAL).coverBeside(1)).toBe(false)
  })

  test('is not open to a small body any longer once it has grown', () => {
    const memory = filled()
    const claim = memory.claim(NEEDED)
    expect([claim.cover(60 * KIB), claim.cover(70 * KIB)]).toEqual([true, false])
  })
})

test.each([
  [0, 1 + 8],
  [KIB * KIB, 64 + 8],
  [16 * KIB * KIB, 256 + 8],
  [1024 * KIB * KIB, 1024 + 8],
])('with a limit of %d bytes a body, %d MiB are held of all', (limitBytes, mebibytes) => {
  const memory = BodyMemory.forLimit(limitBytes)
  expect(memory.totalBytes).toBe(mebibytes * KIB * KIB)
  // One of the largest always fits.
  expect(memory.claim(NEEDED).cover(limitBytes)).toBe(true)
})

test('whatever is claimed, covered and released in any order: never more than there is, and nothing is left', () => {
  const step = fc.tuple(fc.nat(4), fc.constantFrom('cover', 'beside', 'release'), fc.nat(80 * KIB))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const memory = new BodyMemory({ totalBytes: 200 * KIB, reserveBytes: 50 * KIB })
      const claims = Array.from({ length: 5 }, (_, at) => memory.claim({ isNeeded: at % 2 === 0 }))
      for (const [at, act, bytes] of steps) {
        const claim = claims[at]
        if (act === 'release') claim?.release()
        else if (act === 'cover') claim?.cover(bytes)
        else claim?.coverBeside(bytes)
        expect(memory.heldBytes).toBeLessThanOrEqual(memory.totalBytes)
        expect(memory.heldBytes).toBeGreaterThanOrEqual(0)
      }
      for (const claim of claims) claim.release()
      expect(memory.heldBytes).toBe(0)
    }),
  )
})
