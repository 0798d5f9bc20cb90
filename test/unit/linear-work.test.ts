import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { formFields } from '../../src/form-fields.ts'
import { compilePattern } from '../../src/server/path-pattern.ts'
import { createRedactor } from '../../src/redaction.ts'
import { withoutSessionParameters } from '../../src/upstream/session-parameters.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const textOf = (...parts: string[]) =>
  fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((list) => list.join(''))

test('the fields are those that URLSearchParams finds', () => {
  fc.assert(
    fc.property(textOf('&', '=', '?', 'a', '%', '%26', '%3d', '+', '\u00e9', ';', '#'), (form) => {
      expect([...formFields(form)]).toEqual([...new URLSearchParams(form)])
    }),
  )
})

test('each field is looked through once', () => {
  const text = 'a&'.repeat(500)
  const search = vi.spyOn(String.prototype, 'indexOf')
  const fields = [...formFields(text)]
  const { results, calls, contexts } = search.mock
  search.mockRestore()
  expect(fields).toHaveLength(500)
  const looked = results.map(({ value }, call) => {
    const end = value === -1 ? String(contexts[call]).length : Number(value)
    return end - (calls[call]?.[1] ?? 0)
  })
  expect(looked.reduce((sum, length) => sum + length, 0)).toBeLessThan(10 * text.length)
})

test('a glob covers what its regular expression does', () => {
  const segments = fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', '*', '**', 'a*', '*b', 'a*b*a'), {
    minLength: 1,
    maxLength: 5,
  })
  const paths = fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', 'aba', 'abba'), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(segments, paths, (pattern, path) => {
      fc.pre(pattern.some((segment) => segment.includes('*')))
      const source = pattern.map((segment) =>
        segment === '**' ? '(?:/[^/]+)*' : `/${segment.replaceAll('*', '[^/]*')}`,
      )
      const expected = new RegExp(`^${source.join('')}$`).test(`/${path.join('/')}`)
      expect(compilePattern(`/${pattern.join('/')}`)(`/${path.join('/')}`)).toBe(expected)
    }),
  )
})

test('private keys are blanked from a beginning to the next end', () => {
  const redact = createRedactor(() => [])
  const marks = textOf(
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----',
    'x',
    '-----',
  )
  fc.assert(
    fc.property(marks, (line) => {
      const expected = line.replace(
        /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs,
        '[redacted]',
      )
      expect(redact(line)).toBe(expected)
    }),
  )
})

test('thousands of malformed parameters cost no exception each', () => {
  const target = `/a?${'&%'.repeat(5000)}&sid=x&%73%49d=y&${'%73'.repeat(20)}=z`
  const decode = vi.spyOn(globalThis, 'decodeURIComponent')
  expect(withoutSessionParameters(target)).toBe(`/a?${'&%'.repeat(5000)}&${'%73'.repeat(20)}=z`)
  expect(decode).not.toHaveBeenCalled()
})
