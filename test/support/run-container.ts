/** `npm run test:container`: the tests that need a container engine. Without one it says so, and fails in CI. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const NO_ENGINE = `No container engine answers (\`docker info\`), so the container tests did not run.
Start Docker, or on Debian as root: NODE_IMAGE="$(test/support/container-engine.sh)" npm run test:container
`
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))

export function hasEngine(): boolean {
  return spawnSync('docker', ['info'], { timeout: 30_000 }).status === 0
}

/** Answers the exit code. */
export function runContainerTests(argv: readonly string[] = []): number {
  if (!hasEngine()) {
    process.stderr.write(NO_ENGINE)
    return process.env.CI === undefined ? 0 : 1
  }
  const { status } = spawnSync(
    process.execPath,
    // One file after the other: they compete for the machine, and some measure.
    [vitest, 'run', '--project', 'container', '--no-file-parallelism', ...argv],
    { stdio: 'inherit' },
  )
  return status ?? 1
}

if (import.meta.main) process.exitCode = runContainerTests(process.argv.slice(2))
