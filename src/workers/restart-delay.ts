const FIRST_MS = 200
const LONGEST_MS = 30_000

/** A worker that served so long has not died of its start: its end is the first of a row. */
export const SETTLED_MS = 60_000

/** The pause before a worker is started again that has ended for the `count`th time in a row: 0.2, 0.4, 0.8 … 30 seconds. */
export function restartDelayMs(count: number): number {
  return Math.min(FIRST_MS * 2 ** (count - 1), LONGEST_MS)
}
