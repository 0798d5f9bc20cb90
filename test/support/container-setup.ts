/** Builds what the container tests run, once: our image, and the base image with redis-server. NODE_IMAGE chooses the base. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { IMAGE, TOOLS_IMAGE } from './containers.ts'

const { NODE_IMAGE = 'node:26-bookworm-slim' } = process.env
const TOOLS = `FROM ${NODE_IMAGE}
RUN command -v redis-server || { apt-get update && apt-get install -y --no-install-recommends redis-server; }
`

export default function buildImages(): void {
  const hasBuildKit = spawnSync('docker', ['buildx', 'version']).status === 0
  build(hasBuildKit, ['-t', IMAGE, '--build-arg', `NODE_IMAGE=${NODE_IMAGE}`, '.'])
  build(hasBuildKit, ['-t', TOOLS_IMAGE, '-'], TOOLS)
}

/** On the host's network, since not every machine lets containers reach the registry. */
function build(hasBuildKit: boolean, argv: readonly string[], input = ''): void {
  const { status, stdout, stderr } = spawnSync('docker', ['build', '--network', 'host', ...argv], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: { ...process.env, DOCKER_BUILDKIT: hasBuildKit ? '1' : '0' },
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`docker build ${argv.join(' ')} failed:\n${stdout}\n${stderr}`)
}
