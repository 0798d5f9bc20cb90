/** Text on its way out. */
export interface GatheredOutput {
  add(text: string): void
  /** Writes what is there now, for those who cannot wait: an exit, or another stream that must not overtake. */
  flush(): void
}

/**
 * Passes on in one piece what is added within one turn of the event loop: under load the lines of many requests cost one system
 * call. `later` calls back at the end of the turn. Nothing waits longer than that, so a crash that is reported loses nothing.
 * `most`: how many characters make a piece, if not all. What several processes write to one pipe stays apart up to PIPE_BUF bytes.
 */
export function gatheredOutput(
  write: (text: string) => void,
  later: (callback: () => void) => void = setImmediate,
  most = Infinity,
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
      if (pending.length + text.length > most) flush()
      if (pending === '') later(flush)
      pending += text
    },
    flush,
  }
}
