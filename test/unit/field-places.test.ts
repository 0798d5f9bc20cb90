import { expect, test } from 'vitest'
import { FieldPlaces } from '../../src/upstream/field-places.ts'
import fc from '../support/properties.ts'

function counting() {
  const judged: string[] = []
  const places = new FieldPlaces({
    judge: (name) => name.length,
    isValid: (value) => {
      judged.push(value)
      return !value.includes('\n')
    },
    isSecret: (name) => name === 'cookie',
  })
  return { judged, places }
}

test('what stands at its place as before is neither decoded nor judged again', () => {
  const { judged, places } = counting()
  const field = Buffer.from('Server')
  const value = Buffer.from('caf\u00e9', 'latin1')
  const first = places.at(0, field, value)
  expect(first).toEqual({ known: { field: 'Server', name: 'server', fate: 6 }, value: 'caf\u00e9', isValid: true })
  expect(places.at(0, Buffer.from(field), Buffer.from(value))).toBe(first)
  expect(places.at(0, 'Server', 'caf\u00e9')).toBe(first)
  expect(judged).toEqual(['caf\u00e9'])
})

test('a value is valid or not however often it comes', () => {
  const { places } = counting()
  expect(places.at(0, 'X-A', 'a\nb').isValid).toBe(false)
  expect(places.at(0, 'X-A', 'a\nb').isValid).toBe(false)
  expect(places.at(0, 'X-A', 'a b').isValid).toBe(true)
})

test('credentials, long texts and long lists are read anew each time', () => {
  const { judged, places } = counting()
  const long = 'x'.repeat(257)
  for (const [place, field, value] of [
    [0, 'Cookie', 'sid=1'],
    [1, 'X-Long', long],
    [2, long, 'x'],
    [64, 'X-Late', 'x'],
  ] as const) {
    expect(places.at(place, field, value).value).toBe(value)
    expect(places.at(place, field, value).value).toBe(value)
  }
  expect(judged).toHaveLength(8)
})

test('absent texts are told as such', () => {
  const { places } = counting()
  expect(places.at(0, 'X-A', undefined).value).toBe('undefined')
})

test('whatever came before, a field is read as it is', () => {
  const { places } = counting()
  const text = fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), text, text)), (fields) => {
      for (const [place, field, value] of fields) {
        const { known, value: read, isValid } = places.at(place, field, value)
        expect([known.field, read]).toEqual([field.toString('latin1'), value.toString('latin1')])
        expect(known.name).toBe(known.field.toLowerCase())
        expect(isValid).toBe(!value.includes('\n'))
      }
    }),
  )
})
