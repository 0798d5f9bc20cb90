import { defineConfig } from 'vitest/config'

/** No test asserts a duration: these only end what hangs, on the slowest of machines. */
const SAFETY_NET_MS = 300_000

const project = (name: string, more: object = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: SAFETY_NET_MS,
    hookTimeout: SAFETY_NET_MS,
    expect: { poll: { timeout: 120_000 } },
    ...more,
  },
})

export default defineConfig({
  test: {
    pool: 'forks',
    // One less by default: of a runner's two cores that leaves one, and most tests wait for sockets anyway.
    maxWorkers: '100%',
    projects: [
      project('unit'),
      project('integration'),
      project('clients'),
      project('browser'),
      project('redis'),
      project('kubernetes'),
      project('container', {
        globalSetup: 'test/support/container-setup.ts',
        // Each test removes what it started; the library's own reaper would have to be pulled.
        env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
      }),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      thresholds: {
        statements: 95,
        branches: 90,
        functions: 95,
        lines: 95,
        'src/token/**': { statements: 100, branches: 100, functions: 100, lines: 100 },
        'src/upstream/**': { statements: 100, branches: 100, functions: 100, lines: 100 },
      },
    },
  },
})
