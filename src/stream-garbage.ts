import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** After so many bytes of bodies their buffers are collected. */
const COLLECT_EVERY_BYTES = 8 * 1024 * 1024

/**
 * Keeps large bodies from swelling the process: each piece of one lies in a buffer outside V8's heap, held by an object so small that V8 sees no need
 * to collect for tens of megabytes, and then grows by them. A collection of young objects every few megabytes takes about a millisecond.
 * Returns what is to be told of the bytes that pass.
 */
export function collectingStreamGarbage(collect: () => void = youngCollector()): (bytes: number) => void {
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < COLLECT_EVERY_BYTES) return
    passed = 0
    collect()
  }
}

/** V8's own collector, got at without a flag on the command line; looked up when it is first needed. */
function youngCollector(): () => void {
  let isLookedUp = false
  let collector: NodeJS.GCFunction | undefined
  return () => {
    if (!isLookedUp) collector = exposed()
    isLookedUp = true
    collector?.({ type: 'minor' })
  }
}

/** Undefined in a runtime that heeds the flag no more: memory is then V8's own affair again. */
function exposed(): NodeJS.GCFunction | undefined {
  setFlagsFromString('--expose-gc')
  // The function that the flag puts into each new context.
  const collector = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined
  setFlagsFromString('--no-expose-gc')
  return collector
}
