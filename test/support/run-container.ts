/** `npm run test:container`: the tests that need a container engine. Without one it says so, and fails in CI. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const NO_ENGINE = `No container engine answers (\`docker info\`), so the container tests did not run.
Start Docker, or on Debian as root: NODE_IMAGE="$(test/support/container-engine.sh)" npm run test:container
`
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))

if (spawnSync('docker', ['info'], { timeout: 30_000 }).status === 0) {
  const { status } = spawnSync(
    process.execPath,
    // One file after the other: they compete for the machine, and some measure.
    [vitest, 'run', '--project', 'container', '--no-file-parallelism', ...process.argv.slice(2)],
    { stdio: 'inherit' },
  )
  process.exitCode = status ?? 1
} else {
  process.stderr.write(NO_ENGINE)
  process.exitCode = process.env.CI === undefined ? 0 : 1
}
