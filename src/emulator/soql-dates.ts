const DAY_MS = 86_400_000

/** A span of time, from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

type Unit = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR'

/** The start of the unit `offset` units from the one that `now` is in, in GMT, the run-as user's zone. Weeks start on Sunday. */
function startOf(unit: Unit, now: number, offset: number): number {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  switch (unit) {
    case 'DAY':
      return Date.UTC(year, month, day + offset)
    case 'WEEK':
      return Date.UTC(year, month, day - date.getUTCDay() + 7 * offset)
    case 'MONTH':
      return Date.UTC(year, month + offset, 1)
    case 'QUARTER':
      return Date.UTC(year, Math.floor(month / 3) * 3 + 3 * offset, 1)
    case 'YEAR':
      return Date.UTC(year + offset, 0, 1)
  }
}

const spanOf = (unit: Unit, now: number, from: number, to = from + 1): Span => ({
  start: startOf(unit, now, from),
  end: startOf(unit, now, to),
})

/** The span of a SOQL date literal such as `TODAY`, `LAST_MONTH` or `LAST_N_DAYS:7`; undefined for an unknown one. */
export function literalSpan(literal: string, now: number): Span | undefined {
  const [name = '', count] = literal.toUpperCase().replace('FISCAL_', '').split(':')
  const n = Number(count ?? 0)
  if (name === 'TODAY') return spanOf('DAY', now, 0)
  if (name === 'YESTERDAY') return spanOf('DAY', now, -1)
  if (name === 'TOMORROW') return spanOf('DAY', now, 1)
  if (name === 'LAST_90_DAYS') return spanOf('DAY', now, -90, 1)
  if (name === 'NEXT_90_DAYS') return spanOf('DAY', now, 1, 91)

  const plain = /^(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)$/.exec(name)
  if (plain) return spanOf(unit(plain[2]), now, { LAST: -1, THIS: 0, NEXT: 1 }[plain[1] ?? ''] ?? 0)
  const counted = /^(LAST|NEXT)_N_(DAY|WEEK|MONTH|QUARTER|YEAR)S$/.exec(name)
  if (counted?.[1] === 'NEXT') return spanOf(unit(counted[2]), now, 1, n + 1)
  // The last n days include today; the last n weeks, months and so on end before the present one.
  if (counted) return spanOf(unit(counted[2]), now, -n, counted[2] === 'DAY' ? 1 : 0)
  const ago = /^N_(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO$/.exec(name)
  return ago ? spanOf(unit(ago[1]), now, -n) : undefined
}

/** A date is the whole day where an instant is compared with it. */
export function daySpan(date: string): Span {
  const start = Date.parse(`${date.slice(0, 10)}T00:00:00Z`)
  return { start, end: start + DAY_MS }
}

function unit(name: string | undefined): Unit {
  return name === 'DAY' || name === 'WEEK' || name === 'MONTH' || name === 'QUARTER' ? name : 'YEAR'
}

/** The date functions of SOQL that can be grouped and compared by; undefined for other functions. */
export function dateFunction(name: string): ((value: string) => number | string) | undefined {
  return DATE_FUNCTIONS[name.toUpperCase()]
}

const onDate = (of: (date: Date) => number) => (value: string) => of(new Date(value))

const DATE_FUNCTIONS: Record<string, (value: string) => number | string> = {
  CALENDAR_YEAR: onDate((date) => date.getUTCFullYear()),
  CALENDAR_QUARTER: onDate((date) => Math.floor(date.getUTCMonth() / 3) + 1),
  CALENDAR_MONTH: onDate((date) => date.getUTCMonth() + 1),
  DAY_IN_MONTH: onDate((date) => date.getUTCDate()),
  DAY_IN_WEEK: onDate((date) => date.getUTCDay() + 1),
  HOUR_IN_DAY: onDate((date) => date.getUTCHours()),
  DAY_ONLY: (value) => value.slice(0, 10),
}
