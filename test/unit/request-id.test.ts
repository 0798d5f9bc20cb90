import { expect, test } from 'vitest'
import { requestIdOf } from '../../src/server/request-id.ts'

const MADE = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

test.each(['a', '01JD0Z-x_y.z:1@host', 'a'.repeat(128), '4bf92f3577b34da6a3ce929d0e0e4736'])(
  'taken as it is: %s',
  (id) => {
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toBe(id)
  },
)

test.each(['', ' ', 'a b', 'one, two', 'a\tb', 'é', '"x"', '<b>', '00D5g000004CABC!AQEA', 'a'.repeat(129)])(
  'not taken: %j',
  (id) => {
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toMatch(MADE)
  },
)

test('made where there is none, and never twice', () => {
  const ids = Array.from({ length: 100 }, () => requestIdOf({ headers: {} }))
  expect(new Set(ids).size).toBe(100)
  for (const id of ids) expect(id).toMatch(MADE)
})
