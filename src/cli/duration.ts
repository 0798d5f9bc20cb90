const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `500ms`, `30s`, `2m`, `1h`, or seconds without a unit, as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text.trim()) ?? []
  return digits === undefined ? undefined : Number(digits) * (UNITS_MS[unit] ?? 1000)
}

/** Seconds as people say them, in their two largest units: `2 h 3 min`. */
export function inWords(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0)
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  const said = parts.slice(first, first + 2).filter(([count]) => count > 0)
  return said.map(([count, unit]) => `${count} ${unit}`).join(' ')
}
