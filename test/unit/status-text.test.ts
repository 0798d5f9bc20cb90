import { expect, test } from 'vitest'
import { statusText } from '../../src/cli/status-text.ts'

const worker = { number: 1, pid: 7, state: 'serving', restarts: 0 } as const
const row = (workers: Parameters<typeof statusText>[0]['workers']) =>
  statusText({ ...(workers && { workers }) }, (_style, text) => text)
    .split('\n')
    .filter((line) => line.includes('Workers'))

test('workers are told of where there are any', () => {
  expect(row(undefined)).toEqual([])
  expect(row([worker, worker])).toEqual(['  Workers    2 of 2 serve'])
  expect(row([{ ...worker, restarts: 1 }, worker])).toEqual(['  Workers    2 of 2 serve; started again once'])
  expect(
    row([
      { ...worker, restarts: 2 },
      { ...worker, state: 'ended', restarts: 1 },
    ]),
  ).toEqual(['  Workers    1 of 2 serve; started again 3 times'])
})
