/** What `npm test` runs: every project that needs no container engine. Further arguments go to vitest (`--coverage`). */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const LEFT_OUT = 'container tests need a container engine: npm run test:container'
const NO_CURL = 'client tests need curl: install it, then npm run test:clients'

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
const hasCurl = spawnSync('curl', ['--version']).status === 0
const projects = ['unit', 'integration', ...(hasCurl ? ['clients'] : [])]

// This very Node, which npm found in node_modules/.bin: the machine's own may be older.
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...projects.flatMap((name) => ['--project', name]), ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
process.stdout.write(`Left out: ${[LEFT_OUT, ...(hasCurl ? [] : [NO_CURL])].join('; ')}\n`)
process.exitCode = status ?? 1
