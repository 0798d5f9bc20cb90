import { defineConfig } from 'vitest/config'

const project = (name: string, testTimeout: number, more: object = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    expect: { poll: { timeout: 10_000 } },
    ...more,
  },
})

export default defineConfig({
  test: {
    pool: 'forks',
    // One less by default: of a runner's two cores that leaves one, and most tests wait for sockets anyway.
    maxWorkers: '100%',
    projects: [
      project('unit', 20_000),
      project('integration', 30_000),
      project('clients', 60_000),
      project('browser', 60_000),
      project('redis', 60_000),
      project('kubernetes', 60_000),
      project('container', 300_000, {
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
