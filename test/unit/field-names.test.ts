import { expect, test } from 'vitest'
import { FieldNames } from '../../src/upstream/field-names.ts'

function counting() {
  const judged: string[] = []
  const names = new FieldNames((name) => {
    judged.push(name)
    return name.length
  })
  return { judged, names }
}

test('each spelling is judged once, in lower case, and keeps its own letter case', () => {
  const { judged, names } = counting()
  expect(names.of('X-Request-Id')).toEqual({ field: 'X-Request-Id', name: 'x-request-id', fate: 12 })
  expect(names.of('X-Request-Id')).toBe(names.of('X-Request-Id'))
  expect(names.of('x-request-id').field).toBe('x-request-id')
  expect(judged).toEqual(['x-request-id', 'x-request-id'])
})

test('a caller who invents names is judged each time, and is not remembered', () => {
  const { judged, names } = counting()
  for (let n = 0; n < 2000; n++) names.of(`X-Invented-${n}`)
  expect(judged).toHaveLength(2000)
  expect(names.of('X-Invented-1').fate).toBe(12)
  expect(judged).toHaveLength(2000)
  expect(names.of('X-Invented-1999').fate).toBe(15)
  expect(judged).toHaveLength(2001)
})

test('a name of any length is judged rightly', () => {
  const { judged, names } = counting()
  const long = 'X'.repeat(4000)
  expect(names.of(long).fate).toBe(4000)
  expect(names.of(long).fate).toBe(4000)
  expect(judged).toHaveLength(2)
})
