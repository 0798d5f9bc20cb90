/** What `npm test` runs: every project that needs no container engine. Further arguments go to vitest (`--coverage`). */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromiumPath } from './chromium.ts'
import { missingNeeds } from './tools-document.ts'

const LEFT_OUT = 'container tests need a container engine: npm run test:container'
const NO_CURL = 'client tests need curl: install it, then npm run test:clients'
const NO_KUBECTL = 'the Kubernetes manifests are built by kubectl: install it, then npm run test:kubernetes'
const NO_REDIS = 'token store tests need redis-server: install it, then npm run test:redis'
const NO_BROWSER = 'browser tests need Chromium: install it, then npm run test:browser'

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
const hasCurl = spawnSync('curl', ['--version']).status === 0
const hasBrowser = chromiumPath() !== undefined
const hasRedis = spawnSync('redis-server', ['--version']).status === 0
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0
const projects = [
  'unit',
  'integration',
  ...(hasCurl ? ['clients'] : []),
  ...(hasBrowser ? ['browser'] : []),
  ...(hasRedis ? ['redis'] : []),
  ...(hasKubectl ? ['kubernetes'] : []),
]
const leftOut = [
  LEFT_OUT,
  ...(hasCurl ? missingNeeds().map(recipesOf) : [NO_CURL]),
  ...(hasBrowser ? [] : [NO_BROWSER]),
  ...(hasRedis ? [] : [NO_REDIS]),
  ...(hasKubectl ? [] : [NO_KUBECTL]),
]

// This very Node, which npm found in node_modules/.bin: the machine's own may be older.
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...projects.flatMap((name) => ['--project', name]), ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
process.stdout.write(`Left out: ${leftOut.join('; ')}\n`)
process.exitCode = status ?? 1

/** What of docs/tools.md cannot be run here. */
function recipesOf(need: string): string {
  if (need === 'tools')
    return 'the Salesforce CLI and other programs of docs/tools.md need npm run tools, then npm run test:clients'
  return `recipes of docs/tools.md need ${need}: install it, then npm run test:clients`
}
