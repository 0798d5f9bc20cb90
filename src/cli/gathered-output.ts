/** Text on its way out. */
export interface GatheredOutput {
  add(text: string): void
  /** Writes what is there now, for those who cannot wait: an exit, or another stream that must not overtake. */
  flush(): void
}

/**
 * Passes on in one piece what is added within one turn of the event loop: under load the lines of many requests cost one system
 * call. `later` calls back at the end of the turn. Nothing waits longer than that, so a crash that is reported loses nothing.
 */
export function gatheredOutput(
  write: (text: string) => void,
  later: (callback: () => void) => void = setImmediate,
): GatheredOutput {
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
