import type { Query, QueryBase, Subquery } from '@jetstreamapp/soql-parser-js'
import { ApiError } from './api-error.ts'
import { objectType } from './cmdb-schema.ts'
import type { RecordStore } from './record-store.ts'
import type { Field, ObjectType, Row } from './schema-types.ts'
import type { Literal } from './soql-compare.ts'
import type { Members } from './soql-functions.ts'
import { group, groupShape, isCount, isGrouped } from './soql-group.ts'
import { atPlace, parseSoql } from './soql-parse.ts'
import { operandOf, sorted, windowed } from './soql-order.ts'
import type { Scope } from './soql-paths.ts'
import { select, shaper, type Column, type Selection, type Shape } from './soql-select.ts'
import { compileWhere, type Operand, type Predicate } from './soql-where.ts'

export interface QueryResult {
  readonly type: ObjectType
  readonly totalSize: number
  /** Still bare: shape them page by page. */
  readonly rows: readonly Row[]
  readonly shape: Shape
  readonly columns: readonly Column[]
  readonly isGrouped: boolean
}

export interface QueryContext {
  readonly store: RecordStore
  readonly now: number
  /** queryAll: the recycle bin too. */
  readonly includeDeleted: boolean
}

const NO_GROUPS: Members = new Map()

/** Runs a SOQL query, over the records that `matches` lets through. Throws the ApiError that Salesforce answers: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE. */
export function runQuery(soql: string, context: QueryContext, matches?: Predicate): QueryResult {
  return execute(parseSoql(soql), soql, context, matches)
}

function execute(query: Query, soql: string, context: QueryContext, matches?: Predicate): QueryResult {
  const type = objectType(query.sObject ?? '')
  if (type === undefined) {
    const name = query.sObject ?? ''
    const reason = `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`
    throw new ApiError(400, 'INVALID_TYPE', atPlace(soql, name, reason))
  }
  const scope: Scope = { store: context.store, type, soql, alias: query.sObjectAlias }
  const all = context.store.rows(type, context.includeDeleted)
  const rows = filtered(scope, query, matches === undefined ? all : all.filter(matches), context)
  if (isCount(query)) {
    const totalSize = windowed(query, rows).length
    return { type, totalSize, rows: [], shape: () => ({}), columns: [], isGrouped: true }
  }
  if (isGrouped(query)) return grouped(scope, query, rows, context)

  const selection = select(scope, query, (subquery, child, lookup) =>
    children({ subquery, child, lookup, soql }, context),
  )
  const found = windowed(query, sorted(scope, query, rows, NO_GROUPS))
  const columns = [...selection.columns.values()]
  return { type, totalSize: found.length, rows: found, shape: shaper(selection), columns, isGrouped: false }
}

function grouped(scope: Scope, query: Query, rows: readonly Row[], context: QueryContext): QueryResult {
  const members = group(scope, query, rows)
  const { shape, columns } = groupShape(scope, query, members)
  const having = query.having && compileWhere(query.having, whereContext(scope, context, members))
  const kept = [...members.keys()].filter((row) => having?.(row) ?? true)
  const found = windowed(query, sorted(scope, query, kept, members))
  return { type: scope.type, totalSize: found.length, rows: found, shape, columns, isGrouped: true }
}

function filtered(scope: Scope, query: QueryBase, rows: readonly Row[], context: QueryContext): readonly Row[] {
  if (query.where === undefined) return rows
  return rows.filter(compileWhere(query.where, whereContext(scope, context, NO_GROUPS)))
}

function whereContext(scope: Scope, context: QueryContext, members: Members) {
  return {
    now: context.now,
    operand: (name: string, isFunction: boolean): Operand => operandOf(scope, name, isFunction, members),
    subquery: (query: Query): Literal[] => semiJoin(query, scope.soql, context),
  }
}

function semiJoin(query: Query, soql: string, context: QueryContext): Literal[] {
  const { rows, columns } = execute(query, soql, context)
  const name = columns[0]?.field?.name ?? 'Id'
  return rows.flatMap((row) => {
    const value = row[name] ?? null
    return value === null ? [] : [{ text: `'${String(value)}'`, type: 'STRING' }]
  })
}

interface Children {
  subquery: Subquery
  child: ObjectType
  lookup: Field
  soql: string
}

/** A parent's children, found through an index made once for the query. */
function children({ subquery, child, lookup, soql }: Children, context: QueryContext) {
  const scope: Scope = { store: context.store, type: child, soql, alias: subquery.sObjectAlias }
  const selection: Selection = select(scope, subquery, () => {
    throw new ApiError(400, 'MALFORMED_QUERY', 'Nesting of semi join sub-selects is not supported')
  })
  const shape = shaper(selection)
  let index: Map<unknown, Row[]> | undefined
  const of = (row: Row, base: string) => {
    index ??= Map.groupBy(
      sorted(
        scope,
        subquery,
        filtered(scope, subquery, context.store.rows(child, context.includeDeleted), context),
        NO_GROUPS,
      ),
      (candidate) => candidate[lookup.name],
    )
    const found = windowed(subquery, index.get(row.Id) ?? [])
    if (found.length === 0) return null
    return { totalSize: found.length, done: true, records: found.map((one) => shape(one, base)) }
  }
  return { of, selection }
}
