import type { GroupByClause, Query } from '@jetstreamapp/soql-parser-js'
import type { Row, Value } from './schema-types.ts'
import { functionOperand, type Members } from './soql-functions.ts'
import { malformed } from './soql-parse.ts'
import { resolvePath, type Scope } from './soql-paths.ts'
import type { Column, Shape } from './soql-select.ts'
import type { Operand } from './soql-where.ts'

const clauses = (query: Query): GroupByClause[] => [query.groupBy ?? []].flat()

/** Whether the query counts or groups, and so yields AggregateResults. */
export function isGrouped(query: Query): boolean {
  const isAggregate = (name: string) => /^(COUNT|COUNT_DISTINCT|SUM|AVG|MIN|MAX)$/i.test(name)
  const hasAggregate = (query.fields ?? []).some(
    (item) => item.type === 'FieldFunctionExpression' && isAggregate(item.functionName),
  )
  return clauses(query).length > 0 || hasAggregate
}

/** `SELECT COUNT() FROM …`: the number is the answer's size, and there are no records. */
export function isCount(query: Query): boolean {
  const [first] = query.fields ?? []
  return first?.type === 'FieldFunctionExpression' && /^COUNT\(\s*\)$/i.test(first.rawValue ?? '')
}

/** Puts the rows into groups, each of which is stood for by its first row. */
export function group(scope: Scope, query: Query, rows: readonly Row[]): Map<Row, Row[]> {
  const keys = clauses(query).map((clause) => keyOperand(scope, clause))
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify(keys.map((operand) => folded(operand.get(row))))
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [row])
    else known.push(row)
  }
  // Without GROUP BY there is one group, even of nothing.
  if (keys.length === 0 && groups.size === 0) return new Map([[{}, []]])
  return new Map([...groups.values()].map((members) => [members[0] ?? {}, members]))
}

const folded = (value: Value) => (typeof value === 'string' ? value.toLowerCase() : value)

function keyOperand(scope: Scope, clause: GroupByClause): Operand {
  if ('fn' in clause) return functionOperand(scope, clause.fn.rawValue ?? '', new Map())
  return { name: clause.field, ...pick(scope, clause.field) }
}

function pick(scope: Scope, dotted: string): Pick<Operand, 'kind' | 'get'> {
  const path = resolvePath(scope, dotted)
  return { kind: path.kind, get: (row) => path.get(row) }
}

/** How a group is shown: aliases, `expr0`, `expr1`, … for functions without one. */
export function groupShape(scope: Scope, query: Query, members: Members): { shape: Shape; columns: Column[] } {
  const grouped = clauses(query).map((clause) => ('fn' in clause ? clause.fn.rawValue : clause.field)?.toLowerCase())
  const parts: { name: string; operand: Operand }[] = []
  let unnamed = 0
  for (const item of query.fields ?? []) {
    if (item.type === 'FieldFunctionExpression') {
      const operand = functionOperand(scope, item.rawValue ?? item.functionName, members)
      parts.push({ name: item.alias ?? `expr${unnamed++}`, operand })
    } else if (item.type === 'Field' || item.type === 'FieldRelationship') {
      const dotted = ('rawValue' in item ? item.rawValue : undefined) ?? item.field
      if (!grouped.includes(dotted.toLowerCase())) throw malformed(`Field must be grouped or aggregated: ${dotted}`)
      const path = resolvePath(scope, dotted)
      const alias = 'alias' in item ? item.alias : undefined
      parts.push({ name: alias ?? path.field.name, operand: { name: dotted, ...pick(scope, dotted) } })
    } else {
      throw malformed('Grouped queries cannot have subqueries or TYPEOF')
    }
  }
  return {
    columns: parts.map(({ name }) => ({ name, isAggregate: true })),
    shape: (row) => ({
      attributes: { type: 'AggregateResult' },
      ...Object.fromEntries(parts.map(({ name, operand }) => [name, operand.get(row)])),
    }),
  }
}
