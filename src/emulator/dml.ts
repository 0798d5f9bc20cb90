import { ApiError, notFound } from './api-error.ts'
import type { Operation, SaveResult } from './dml-types.ts'
import type { Org } from './org.ts'
import type { ObjectType } from './schema-types.ts'
import { externalField } from './sobjects-api.ts'

/** Saves or deletes one record among many: a refusal is a result, not an exception. */
export function save(org: Org, operation: Operation, type: ObjectType, sent: Record<string, unknown>): SaveResult {
  try {
    return perform(org, operation, type, sent)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const statusCode = error.errorCode === 'NOT_FOUND' ? 'INVALID_CROSS_REFERENCE_KEY' : error.errorCode
    return { success: false, errors: [{ statusCode, message: error.message, fields: error.fields ?? [] }] }
  }
}

function perform(org: Org, operation: Operation, type: ObjectType, sent: Record<string, unknown>): SaveResult {
  const { store } = org
  switch (operation.kind) {
    case 'insert':
      return { id: store.insert(type, sent), success: true, errors: [] }
    case 'update': {
      const { id, values } = split(sent, 'Id')
      if (id === '') throw new ApiError(400, 'MISSING_ARGUMENT', 'Id not specified in an update call', ['Id'])
      return { id: store.update(type, id, values), success: true, errors: [] }
    }
    case 'delete':
      return { id: store.remove(type, split(sent, 'Id').id), success: true, errors: [] }
    case 'upsert':
      return upsert(org, type, operation.externalId, sent)
  }
}

function upsert(org: Org, type: ObjectType, fieldName: string, sent: Record<string, unknown>): SaveResult {
  const field = externalField(type, fieldName)
  const { id: key, values } = split(sent, field.name)
  if (field.type === 'id') {
    const id = key === '' ? org.store.insert(type, values) : org.store.update(type, key, values)
    return { id, success: true, errors: [], created: key === '' }
  }
  if (key === '') throw new ApiError(400, 'MISSING_ARGUMENT', `${field.name} not specified`, [field.name])
  const existing = org.store.findByExternalId(type, field.name, key)
  if (existing === undefined) {
    return { id: org.store.insert(type, { ...values, [field.name]: key }), success: true, errors: [], created: true }
  }
  return { id: org.store.update(type, String(existing.Id), values), success: true, errors: [], created: false }
}

/** The value of the identifying field, and all the others. */
function split(sent: Record<string, unknown>, name: string): { id: string; values: Record<string, unknown> } {
  const isKey = (key: string) => key.toLowerCase() === name.toLowerCase()
  const found = Object.entries(sent).find(([key]) => isKey(key))?.[1]
  const values = Object.fromEntries(Object.entries(sent).filter(([key]) => !isKey(key)))
  return { id: typeof found === 'string' ? found : '', values }
}

/** The type of this name for requests about many records; throws NOT_FOUND. */
export function required(type: ObjectType | undefined): ObjectType {
  if (type === undefined) throw notFound()
  return type
}
