import type { Row, Value } from './schema-types.ts'
import { dateFunction } from './soql-dates.ts'
import { malformed } from './soql-parse.ts'
import { resolvePath, type Path, type Scope } from './soql-paths.ts'
import type { Operand } from './soql-where.ts'

/** The rows that a group's first row stands for; a row that stands for itself is not in it. */
export type Members = ReadonlyMap<Row, readonly Row[]>

/** `COUNT(Id)`, `CALENDAR_YEAR(CreatedDate)`, …: as a value of a row, or of the group that the row stands for. */
export function functionOperand(scope: Scope, call: string, members: Members): Operand {
  const match = /^(\w+)\s*\(([\w.\s]*)\)$/.exec(call)
  const name = match?.[1]?.toUpperCase() ?? call
  const argument = match?.[2]?.trim() ?? ''
  if (name === 'COUNT' && argument === '') {
    return { name: call, kind: 'int', get: (row) => members.get(row)?.length ?? 0 }
  }
  const path = resolvePath(scope, argument)
  const ofDate = dateFunction(name)
  if (ofDate !== undefined) {
    const kind = name === 'DAY_ONLY' ? 'date' : 'int'
    return { name: call, kind, get: (row) => dateValue(ofDate, path.get(row)) }
  }
  if (name === 'TOLABEL' || name === 'FORMAT') return { name: call, kind: path.kind, get: (row) => path.get(row) }
  const aggregate = AGGREGATES[name]
  if (aggregate === undefined) throw malformed(`unexpected token: '${name}'`)
  if ((name === 'SUM' || name === 'AVG') && !['int', 'double', 'currency'].includes(path.kind)) {
    throw malformed(`field ${path.field.name} does not support aggregate operator ${name}`)
  }
  const kind = name.startsWith('COUNT') ? 'int' : name === 'AVG' ? 'double' : path.kind
  return { name: call, kind, get: (row) => aggregate(present(path, members.get(row) ?? [])) }
}

type Present = Exclude<Value, null>

const AGGREGATES: Record<string, (values: Present[]) => Value> = {
  COUNT: (values) => values.length,
  COUNT_DISTINCT: (values) => new Set(values.map((value) => String(value).toLowerCase())).size,
  SUM: (values) => (values.length === 0 ? null : sum(values)),
  AVG: (values) => (values.length === 0 ? null : sum(values) / values.length),
  MIN: (values) => extreme(values, -1),
  MAX: (values) => extreme(values, 1),
}

function present(path: Path, rows: readonly Row[]): Present[] {
  return rows.map((row) => path.get(row)).filter((value) => value !== null)
}

function dateValue(of: (value: string) => Value, value: Value): Value {
  return typeof value === 'string' ? of(value) : null
}

/** Money has cents, and sums of floats have dust. */
function sum(values: Present[]): number {
  const total = values.reduce<number>((running, value) => running + Number(value), 0)
  return Math.round(total * 1e6) / 1e6
}

function extreme(values: Present[], sign: 1 | -1): Value {
  return values.reduce<Value>((best, value) => (best === null || order(value, best) * sign > 0 ? value : best), null)
}

/** Nulls first; text without regard to case. */
export function order(a: Value, b: Value): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  const [left, right] = [a, b].map((value) => (typeof value === 'string' ? value.toLowerCase() : value))
  if (left === undefined || right === undefined || left === right) return 0
  return left < right ? -1 : 1
}
