import type { FieldType as SelectItem, Query, Subquery } from '@jetstreamapp/soql-parser-js'
import { ApiError } from './api-error.ts'
import { childRelationships } from './cmdb-schema.ts'
import type { Field, ObjectType, Row } from './schema-types.ts'
import { functionOperand } from './soql-functions.ts'
import { atPlace, malformed } from './soql-parse.ts'
import { follow, relation, resolvePath, type Scope } from './soql-paths.ts'

/** A record as the REST API shows it. `base` is the path up to the version. */
export type Shape = (row: Row, base: string) => Record<string, unknown>

type Part = (row: Row, base: string) => unknown

/** What was asked of one object: its own fields, and the parents that are nested in it. */
export interface Selection {
  readonly type: ObjectType
  readonly columns: Map<string, Column>
  readonly parts: Map<string, Part>
}

/** What `columns=true` tells of one column. */
export interface Column {
  readonly name: string
  readonly field?: Field
  readonly join?: Selection
  readonly isAggregate?: boolean
}

/** Runs a subquery over the children of one record. */
export type RunChildren = (subquery: Subquery, child: ObjectType, lookup: Field) => { of: Part; selection: Selection }

/** The select list of a query that is not grouped, checked against the schema. */
export function select(scope: Scope, query: Query | Subquery, runChildren: RunChildren): Selection {
  const selection: Selection = { type: scope.type, columns: new Map(), parts: new Map() }
  for (const item of query.fields ?? []) add(item)
  return selection

  function add(item: SelectItem): void {
    switch (item.type) {
      case 'Field':
        addPath(scope, selection, 'objectPrefix' in item ? `${item.objectPrefix}.${item.field}` : item.field)
        return
      case 'FieldRelationship':
        addPath(scope, selection, item.rawValue ?? [...item.relationships, item.field].join('.'))
        return
      case 'FieldSubquery':
        addChildren(scope, selection, item.subquery, runChildren)
        return
      case 'FieldFunctionExpression':
        if (item.functionName.toUpperCase() === 'FIELDS') addAll(scope, selection, item.rawValue ?? '', query)
        else addFunction(scope, selection, item.rawValue ?? item.functionName, item.alias)
        return
      case 'FieldTypeof':
        throw malformed(`TYPEOF is not supported on '${item.field}': it is no polymorphic field`)
    }
  }
}

/** A select list of field paths only. */
export function selectPaths(scope: Scope, paths: readonly string[]): Selection {
  const selection: Selection = { type: scope.type, columns: new Map(), parts: new Map() }
  for (const path of paths) addPath(scope, selection, path)
  return selection
}

function addPath(scope: Scope, selection: Selection, dotted: string): void {
  const path = resolvePath(scope, dotted)
  let at = selection
  for (const name of path.via) at = parent(scope, at, name)
  const { name } = path.field
  if (at.columns.has(name) && !at.columns.get(name)?.join) {
    throw new ApiError(400, 'INVALID_FIELD', atPlace(scope.soql, dotted, `duplicate field selected: ${name}`))
  }
  at.columns.set(name, { name, field: path.field })
  at.parts.set(name, (row) => row[name] ?? null)
}

function parent(scope: Scope, selection: Selection, name: string): Selection {
  const known = selection.columns.get(name)?.join
  const hop = relation(selection.type, name)
  if (known !== undefined || hop === undefined) return known ?? selection
  const join: Selection = { type: hop.to, columns: new Map(), parts: new Map() }
  selection.columns.set(name, { name, join })
  selection.parts.set(name, (row, base) => {
    const other = follow(scope.store, row, hop.field)
    return other === undefined ? null : shaper(join)(other, base)
  })
  return join
}

function addChildren(scope: Scope, selection: Selection, subquery: Subquery, run: RunChildren): void {
  const wanted = subquery.relationshipName.toLowerCase()
  const relationship = childRelationships(scope.type).find(({ name }) => name.toLowerCase() === wanted)
  if (relationship === undefined) {
    const reason = `Didn't understand relationship '${subquery.relationshipName}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`
    throw new ApiError(400, 'INVALID_TYPE', atPlace(scope.soql, subquery.relationshipName, reason))
  }
  const { of, selection: join } = run(subquery, relationship.child, relationship.field)
  selection.columns.set(relationship.name, { name: relationship.name, join, isAggregate: true })
  selection.parts.set(relationship.name, of)
}

function addAll(scope: Scope, selection: Selection, group: string, query: Query | Subquery): void {
  if ((query.limit ?? Infinity) > 200) throw malformed('The SOQL FIELDS function must have a LIMIT of at most 200')
  const kind = /\(\s*(\w+)\s*\)/.exec(group)?.[1]?.toUpperCase()
  for (const { name } of scope.type.fields) {
    const isCustom = name.endsWith('__c')
    if (kind === 'ALL' || (kind === 'CUSTOM') === isCustom) addPath(scope, selection, name)
  }
}

function addFunction(scope: Scope, selection: Selection, call: string, alias: string | undefined): void {
  const operand = functionOperand(scope, call, new Map())
  const name = alias ?? /\(\s*(?:\w+\.)*(\w+)\s*\)/.exec(call)?.[1] ?? call
  selection.columns.set(name, { name })
  selection.parts.set(name, (row) => operand.get(row))
}

/** Shows rows as the selection asks. */
export function shaper({ type, parts }: Selection): Shape {
  return (row, base) => {
    const record: Record<string, unknown> = {
      attributes: { type: type.name, url: `${base}/sobjects/${type.name}/${String(row.Id)}` },
    }
    for (const [name, part] of parts) record[name] = part(row, base)
    return record
  }
}
