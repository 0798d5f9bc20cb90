#!/usr/bin/env node
import process from 'node:process'

/** The oldest Node that runs this source; below 22.18 it could not even read this file. */
const [MAJOR, MINOR] = [24, 12]

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < MAJOR || (major === MAJOR && minor < MINOR)) {
  process.stderr.write(`cloudaware-proxy needs Node.js ${MAJOR}.${MINOR} or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  const release = endOnSignals()
  // Loaded only now: what it imports may not even parse on an older Node.
  const { loadStart } = await import('./cli/load-start.ts')
  const start = await loadStart()
  const code = await start({ release })
  if (code !== undefined) process.exitCode = code
}

/**
 * The first process of a container has no default action for signals: what comes before somebody listens would be lost,
 * and `docker stop` would wait for its kill. Until `release` is called such a process ends as any other would.
 */
function endOnSignals(): () => void {
  if (process.pid !== 1) return () => undefined
  const end = (_: NodeJS.Signals, number: number) => process.exit(128 + number)
  process.on('SIGINT', end).on('SIGTERM', end)
  return () => process.off('SIGINT', end).off('SIGTERM', end)
}
