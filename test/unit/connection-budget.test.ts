import { expect, test } from 'vitest'
import { connectionBudget } from '../../src/connection-budget.ts'
import { openFileLimit } from '../../src/cli/open-files.ts'

test.each([
  ['no limit on open files', undefined, 4096, 4096],
  ['more than enough', 1_048_576, 4096, 4096],
  ['the usual 1,024', 1024, 4096, 800],
  ['launchd’s 256', 256, 4096, 48],
  ['fewer than the upstream connections alone', 100, 4096, 8],
  ['a lower PROXY_MAX_CONNECTIONS', 1024, 100, 100],
])('%s', (_what, openFiles, wanted, connections) => {
  expect(connectionBudget({ wanted, openFiles, upstreamConnections: 64 })).toBe(connections)
})

test('the limit of this process is a number, or there is none', () => {
  expect(openFileLimit() ?? 1024).toBeGreaterThan(100)
})
