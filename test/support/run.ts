/**
 * `npm test`: what everyone runs before a commit. `npm run test:all`: all but the slow tests. `npm run test:slow`: these.
 * Whatever needs a program that this machine lacks is left out; a last line says what was. Further arguments go to vitest (`--coverage`).
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromiumPath } from './chromium.ts'
import { hasEngine, runContainerTests } from './run-container.ts'
import { missingNeeds } from './tools-document.ts'

const has = (program: string, ...argv: string[]) => spawnSync(program, argv).status === 0

/** By vitest project: where its program is found, and what to do where it is not. */
const NEEDS: Readonly<Record<string, { readonly isThere: () => boolean; readonly advice: string }>> = {
  clients: {
    isThere: () => has('curl', '--version'),
    advice: 'client tests need curl: install it, then npm run test:clients',
  },
  redis: {
    isThere: () => has('redis-server', '--version'),
    advice: 'token store tests need redis-server: install it, then npm run test:redis',
  },
  kubernetes: {
    isThere: () => has('kubectl', 'version', '--client'),
    advice: 'the Kubernetes manifests are built by kubectl: install it, then npm run test:kubernetes',
  },
  browser: {
    isThere: () => chromiumPath() !== undefined,
    advice: 'browser tests need Chromium: install it, then npm run test:browser',
  },
}

const QUICK = ['unit', 'integration', 'heap', 'clients', 'redis', 'kubernetes']
const SLOW_LEFT_OUT = 'tests of more than two minutes: npm run test:slow'
const SCOPES = {
  quick: { projects: QUICK, leftOut: ['browser, container and long tests: npm run test:all', SLOW_LEFT_OUT] },
  all: { projects: [...QUICK, 'long', 'browser'], leftOut: [SLOW_LEFT_OUT] },
  slow: { projects: ['slow'], leftOut: ['all others: npm run test:all'] },
}

const [scope = '', ...argv] = process.argv.slice(2)
if (!(scope in SCOPES)) throw new Error(`${scope} is none of ${Object.keys(SCOPES).join(', ')}`)
const { projects, leftOut } = SCOPES[scope as keyof typeof SCOPES] // checked above
const isMissing = (project: string) => NEEDS[project]?.isThere() === false
const missing = projects.filter(isMissing)
const present = projects.filter((project) => !missing.includes(project))

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
// This very Node, which npm found in node_modules/.bin: the machine's own may be older.
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...present.flatMap((name) => ['--project', name]), ...argv],
  { stdio: 'inherit' },
)
const inContainers = scope === 'all' ? runContainerTests() : 0
process.exitCode = Math.max(status ?? 1, inContainers)

const advice = [
  ...leftOut,
  ...(scope === 'all' && !hasEngine() ? ['container tests need a container engine: npm run test:container'] : []),
  ...missing.flatMap((project) => NEEDS[project]?.advice ?? []),
  ...(present.includes('clients') ? missingNeeds().map(recipesOf) : []),
]
process.stdout.write(`Left out: ${advice.join('; ')}\n`)

/** What of docs/tools.md cannot be run here. */
function recipesOf(need: string): string {
  if (need === 'tools')
    return 'the Salesforce CLI and other programs of docs/tools.md need npm run tools, then npm run test:clients'
  return `recipes of docs/tools.md need ${need}: install it, then npm run test:clients`
}
