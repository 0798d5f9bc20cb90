import { ApiError } from './api-error.ts'
import { fieldOf, objectType } from './cmdb-schema.ts'
import type { RecordStore } from './record-store.ts'
import type { Field, FieldType, ObjectType, Row, Value } from './schema-types.ts'
import { atPlace } from './soql-parse.ts'

/** Where names of a query are looked up. */
export interface Scope {
  readonly store: RecordStore
  readonly type: ObjectType
  /** The whole query, for messages. */
  readonly soql: string
  readonly alias?: string | undefined
}

/** A way from a record to a value, over lookups. */
export interface Path {
  /** The relationship names on the way, canonical. */
  readonly via: readonly string[]
  /** The field at its end. */
  readonly field: Field
  readonly kind: FieldType
  get(row: Row): Value
}

const WEB_SERVICE = 'Please reference your WSDL or the describe call for the appropriate names.'

/** Resolves `Name`, `alias.Name` or `Relation__r.Other__r.Name`, in whatever case; throws INVALID_FIELD. */
export function resolvePath(scope: Scope, dotted: string): Path {
  const parts = dotted.split('.')
  const own = [scope.alias, scope.type.name].filter((name) => name !== undefined).map((name) => name.toLowerCase())
  if (parts.length > 1 && own.includes(parts[0]?.toLowerCase() ?? '')) parts.shift()
  const last = parts.pop() ?? ''

  let type = scope.type
  const hops: { field: Field; to: ObjectType }[] = []
  for (const part of parts) {
    const hop = relation(type, part)
    if (hop === undefined) {
      const reason = `Didn't understand relationship '${part}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. ${WEB_SERVICE}`
      throw new ApiError(400, 'INVALID_FIELD', atPlace(scope.soql, part, reason))
    }
    hops.push(hop)
    type = hop.to
  }
  const field = fieldOf(type, last)
  if (field === undefined) {
    const reason = `No such column '${last}' on entity '${type.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. ${WEB_SERVICE}`
    throw new ApiError(400, 'INVALID_FIELD', atPlace(scope.soql, last, reason))
  }
  return {
    via: hops.map((hop) => hop.field.reference?.relationship ?? ''),
    field,
    kind: field.type,
    get(row) {
      let at: Row | undefined = row
      for (const hop of hops) at = follow(scope.store, at, hop.field)
      return at?.[field.name] ?? null
    },
  }
}

/** The record that a lookup field points at. */
export function follow(store: RecordStore, row: Row | undefined, lookup: Field): Row | undefined {
  const id = row?.[lookup.name]
  const type = objectType(lookup.reference?.to ?? '')
  return typeof id === 'string' && type !== undefined ? store.find(type, id) : undefined
}

/** The lookup of this relationship name. */
export function relation(type: ObjectType, name: string): { field: Field; to: ObjectType } | undefined {
  const wanted = name.toLowerCase()
  const field = type.fields.find((candidate) => candidate.reference?.relationship.toLowerCase() === wanted)
  const to = objectType(field?.reference?.to ?? '')
  return field === undefined || to === undefined ? undefined : { field, to }
}
