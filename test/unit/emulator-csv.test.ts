import { expect, test } from 'vitest'
import { formatCsv, parseCsv } from '../../src/emulator/csv.ts'
import fc from '../support/properties.ts'

test.each([
  [
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\r\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['\uFEFFa\n1\n', [['a'], ['1']]],
  ['"a ""b""","c\nd, e"\n', [['a "b"', 'c\nd, e']]],
  [
    'a,\n,b\n',
    [
      ['a', ''],
      ['', 'b'],
    ],
  ],
  ['a,', [['a', '']]],
  ['a\n\nb\n', [['a'], ['b']]],
  ['', []],
])('%j is read', (text, rows) => {
  expect(parseCsv(text)).toEqual(rows)
})

test('another delimiter leaves commas alone', () => {
  expect(parseCsv('a;b,c\n', ';')).toEqual([['a', 'b,c']])
})

test.each(['"never closed', '"a"b,c'])('%j is refused', (text) => {
  expect(() => parseCsv(text)).toThrow()
})

test('whatever is written is read back', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') })
  const row = fc.array(field, { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(row), fc.constantFrom('\n', '\r\n'), fc.constantFrom(',', '|'), (rows, lineEnd, delimiter) => {
      expect(parseCsv(formatCsv(rows, delimiter, lineEnd), delimiter)).toEqual(rows)
    }),
  )
})
