import { ApiError } from './api-error.ts'
import { fieldOf } from './cmdb-schema.ts'
import { dateTime } from './cmdb-data.ts'
import { normaliseId } from './record-id.ts'
import type { Field, ObjectType, Row, Value } from './schema-types.ts'

/** What a client sent, checked against the schema: canonical names, stored forms. Throws the ApiError that Salesforce answers. */
export function checkedValues(type: ObjectType, sent: Record<string, unknown>): Row {
  const row: Row = {}
  const refused: string[] = []
  for (const [name, value] of Object.entries(sent)) {
    if (name === 'attributes') continue
    const field = fieldOf(type, name)
    if (field === undefined) {
      throw new ApiError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${type.name}`)
    }
    if (field.readOnly) refused.push(field.name)
    else row[field.name] = storedValue(field, value)
  }
  if (refused.length > 0) {
    const message = `Unable to create/update fields: ${refused.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`
    throw new ApiError(400, 'INVALID_FIELD_FOR_INSERT_UPDATE', message, refused)
  }
  return row
}

interface NewRow {
  id: string
  values: Row
  /** Who enters it, and when. */
  userId: string
  at: number
}

/** A row with every field of the schema, in its order, whatever was sent. */
export function completeRow(type: ObjectType, { id, values, userId, at }: NewRow): Row {
  const system: Row = { CreatedDate: dateTime(at), CreatedById: userId, OwnerId: userId }
  system.LastModifiedDate = system.SystemModstamp = dateTime(at)
  system.LastModifiedById = userId
  const row: Row = {}
  for (const { name, type: kind } of type.fields) row[name] = system[name] ?? (kind === 'boolean' ? false : null)
  return Object.assign(row, values, { Id: id })
}

function storedValue(field: Field, value: unknown): Value {
  if (value === null || value === '') return field.type === 'boolean' ? false : null
  switch (field.type) {
    case 'boolean':
      return oneOf(field, value, { true: true, false: false })
    case 'int':
    case 'double':
    case 'currency':
      return number(field, value)
    case 'date':
      return date(field, value).toISOString().slice(0, 10)
    case 'datetime':
      return dateTime(date(field, value).getTime())
    case 'id':
    case 'reference':
      return reference(field, value)
    case 'string':
    case 'textarea':
    case 'picklist':
    case 'multipicklist':
      return string(field, value)
  }
}

function oneOf(field: Field, value: unknown, known: Record<string, boolean>): boolean {
  const found = typeof value === 'boolean' || typeof value === 'string' ? known[String(value).toLowerCase()] : undefined
  return found ?? fail(field, value, 'boolean')
}

function number(field: Field, value: unknown): number {
  const parsed = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN
  return Number.isFinite(parsed) ? parsed : fail(field, value, field.type === 'int' ? 'int' : 'double')
}

function date(field: Field, value: unknown): Date {
  const parsed = new Date(typeof value === 'string' ? value : NaN)
  return Number.isNaN(parsed.getTime()) ? fail(field, value, field.type) : parsed
}

function reference(field: Field, value: unknown): string {
  const id = typeof value === 'string' ? normaliseId(value) : undefined
  if (id !== undefined) return id
  throw new ApiError(400, 'MALFORMED_ID', `${field.label}: id value of incorrect type: ${shown(value)}`, [field.name])
}

function string(field: Field, value: unknown): string {
  if (typeof value === 'object') return fail(field, value, 'string')
  const content = shown(value)
  if (field.length !== undefined && content.length > field.length) {
    const message = `${field.label}: data value too large: ${content.slice(0, 80)} (max length=${field.length})`
    throw new ApiError(400, 'STRING_TOO_LONG', message, [field.name])
  }
  return content
}

function fail(field: Field, value: unknown, wanted: string): never {
  const message = `Cannot deserialize instance of ${wanted} from ${typeof value === 'string' ? 'VALUE_STRING' : 'VALUE'} value ${shown(value)} for field ${field.name}`
  throw new ApiError(400, 'JSON_PARSER_ERROR', message)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
