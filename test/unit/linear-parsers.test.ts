import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

interface Result {
  readonly kind: 'parser' | 'quadratic'
  readonly name: string
  /** The texts that cost too many steps. */
  readonly slow: readonly object[]
}

const MAIN = fileURLToPath(new URL('../support/steps/main.ts', import.meta.url))
const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', MAIN])
const results = stdout
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Result)

describe('reading takes steps in proportion to the text, and not too many for the longest', () => {
  test.each(results.filter(({ kind }) => kind === 'parser'))('$name', ({ slow }) => {
    expect(slow).toEqual([])
  })
})

describe('the count finds', () => {
  test.each(results.filter(({ kind }) => kind === 'quadratic'))('$name', ({ slow }) => {
    expect(slow).not.toEqual([])
  })
})

test('nothing is left out', () => {
  expect(results.filter(({ kind }) => kind === 'parser').length).toBeGreaterThan(30)
  expect(results.filter(({ kind }) => kind === 'quadratic')).toHaveLength(5)
})
