/** Text on its way out. */
export interface GatheredOutput {
  add(text: string): void
  /** Writes what is there now, for those who cannot wait: an exit, or another stream that must not overtake. */
  flush(): void
}

/**
 * Passes on in one piece what is added until `later` calls back: under load the lines of many requests cost one system call. Whoever
 * exits flushes, so a crash that is reported loses nothing.
 */
export function gatheredOutput(write: (text: string) => void, later: (callback: () => void) => void): GatheredOutput {
  let pending = ''
  const flush = () => {
    if (pending === '') return
    const text = pending
    pending = ''
    write(text)
  }
  return {
    add(text) {
      if (pending === '') later(flush)
      pending += text
    },
    flush,
  }
}

/** Pieces follow each other no faster than this; nobody who reads along sees it. */
const BETWEEN_PIECES_MS = 5

/** Calls back at the end of this turn of the event loop; or a few milliseconds later, where it has just called back. */
export function soon(): (callback: () => void) => void {
  let lastAt = -Infinity
  return (callback) => {
    const now = performance.now()
    if (now - lastAt < BETWEEN_PIECES_MS) setTimeout(callback, BETWEEN_PIECES_MS)
    else setImmediate(callback)
    lastAt = now
  }
}
