export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The value below which `percent` of the values lie; NaN where there are none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)
  return sorted[at] ?? Number.NaN
}

/** One number a round for each of two: the median of their ratios. Rounds differ by what else the machine does; the two in one round less. */
export function medianRatio(of: readonly number[], to: readonly number[]): number {
  return median(of.map((value, round) => value / (to[round] ?? Number.NaN)))
}
