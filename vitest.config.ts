import { defineConfig } from 'vitest/config'

/** No test asserts a duration: these only end what hangs, on the slowest of machines. */
const SAFETY_NET_MS = 300_000

/** Tests of these suffixes (`a.heap.test.ts`) are projects of their own, wherever they stand; see CONTRIBUTING.md. */
const [HEAP, LONG, SLOW] = ['test/**/*.heap.test.ts', 'test/**/*.long.test.ts', 'test/**/*.slow.test.ts']

interface Options {
  readonly include?: string[]
  readonly exclude?: string[]
  readonly [option: string]: unknown
}

const project = (name: string, { include = [`test/${name}/**/*.test.ts`], exclude = [], ...more }: Options = {}) => ({
  test: {
    name,
    include,
    exclude,
    testTimeout: SAFETY_NET_MS,
    hookTimeout: SAFETY_NET_MS,
    expect: { poll: { timeout: 120_000 } },
    ...more,
  },
})

// One process runs file after file, and loads what they import once: nothing of ours has state outside of its objects.
const ordinary = { isolate: false, exclude: [HEAP, LONG, SLOW] }

export default defineConfig({
  test: {
    pool: 'forks',
    // One less by default: of a runner's two cores that leaves one, and most tests wait for sockets anyway.
    maxWorkers: '100%',
    projects: [
      project('unit', ordinary),
      project('integration', ordinary),
      project('clients', ordinary),
      project('browser'),
      project('redis'),
      project('kubernetes'),
      project('heap', { include: [HEAP] }),
      project('long', { include: [LONG] }),
      project('slow', { include: [SLOW], testTimeout: 3_600_000 }),
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
