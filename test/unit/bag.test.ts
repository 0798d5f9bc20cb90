import { expect, test } from 'vitest'
import { Bag, type Bagged } from '../../src/server/bag.ts'
import fc from '../support/properties.ts'

test('holds what was added and not taken out, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (steps) => {
      const bag = new Bag<number>()
      const known: Bagged<number>[] = []
      const expected = new Set<number>()
      for (const [n, step] of steps.entries()) {
        const taken = known[step]
        if (taken === undefined) {
          known.push(bag.add(n))
          expected.add(n)
        } else {
          bag.delete(taken)
          expected.delete(taken.item)
        }
        expect([...bag].toSorted((a, b) => a - b)).toEqual([...expected].toSorted((a, b) => a - b))
        expect(bag.size).toBe(expected.size)
      }
    }),
  )
})

test('what is taken out by whoever looks through it is not missed', () => {
  const bag = new Bag<string>()
  const bagged = ['one', 'two', 'three'].map((item) => bag.add(item))
  const seen: string[] = []
  for (const item of bag) {
    seen.push(item)
    for (const one of bagged) if (one.item === item) bag.delete(one)
  }
  expect(seen).toEqual(['one', 'two', 'three'])
  expect(bag.size).toBe(0)
})
