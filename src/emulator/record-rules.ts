import { ApiError } from './api-error.ts'
import { objectType } from './cmdb-schema.ts'
import type { ObjectType, Row } from './schema-types.ts'

/** What the rules have to look up. */
interface Records {
  find(type: ObjectType, id: string): Row | undefined
  findByExternalId(type: ObjectType, field: string, value: string): Row | undefined
}

export function refuseReadOnly(type: ObjectType): void {
  if (type.readOnly) {
    throw new ApiError(400, 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', `entity type cannot be changed: ${type.name}`)
  }
}

/** A new record needs its required fields. */
export function refuseIncomplete(type: ObjectType, values: Row): void {
  refuseMissing(type, (name) => (values[name] ?? null) === null)
}

/** A change may leave them out, but not empty them. */
export function refuseEmptied(type: ObjectType, values: Row): void {
  refuseMissing(type, (name) => values[name] === null)
}

function refuseMissing(type: ObjectType, isMissing: (name: string) => boolean): void {
  const names = type.fields.filter((field) => field.required && isMissing(field.name)).map((field) => field.name)
  if (names.length === 0) return
  throw new ApiError(400, 'REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, names)
}

/** Unique values must be free, and lookups must lead somewhere. `own` is the record that is being changed. */
export function refuseConflicts(records: Records, type: ObjectType, values: Row, own?: Row): void {
  for (const field of type.fields) {
    const value = values[field.name]
    if (typeof value !== 'string') continue
    if (field.externalId) {
      const other = records.findByExternalId(type, field.name, value)
      if (other === undefined || other === own) continue
      const message = `duplicate value found: ${field.name} duplicates value on record with id: ${String(other.Id)}`
      throw new ApiError(400, 'DUPLICATE_VALUE', message, [])
    }
    const to = objectType(field.reference?.to ?? '')
    if (to === undefined || records.find(to, value) !== undefined) continue
    throw new ApiError(400, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [field.name])
  }
}
