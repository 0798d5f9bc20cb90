import { ApiError } from '../api-error.ts'
import { objectType } from '../cmdb-schema.ts'
import type { Operation as DmlOperation, SaveResult } from '../dml-types.ts'
import { save } from '../dml.ts'
import type { Org } from '../org.ts'
import { typeOfId } from '../record-types.ts'
import type { ObjectType } from '../schema-types.ts'
import { childOf, isNil, textOf, textsOf, type XmlElement } from '../xml.ts'
import type { SoapRequest } from './soap-message.ts'

const MOST_RECORDS = 200

export const create = (org: Org, request: SoapRequest) => saveAll(org, request, { kind: 'insert' })

export const update = (org: Org, request: SoapRequest) => saveAll(org, request, { kind: 'update' })

export function upsert(org: Org, request: SoapRequest): object[] {
  const externalId = textOf(request.operation, 'externalIDFieldName') ?? 'Id'
  return saveAll(org, request, { kind: 'upsert', externalId })
}

export function remove(org: Org, request: SoapRequest): object[] {
  const ids = textsOf(request.operation, 'ids')
  return together(
    org,
    request,
    ids.map((Id) => () => save(org, { kind: 'delete' }, known(typeOfId(Id), Id), { Id })),
  )
}

function saveAll(org: Org, request: SoapRequest, operation: DmlOperation): object[] {
  const sent = request.operation.children.filter((child) => child.name === 'sObjects')
  return together(
    org,
    request,
    sent.map((element) => () => {
      const name = typeName(element)
      return save(org, operation, known(objectType(name), name), values(element))
    }),
  )
}

/** Partner's records name their type in an element, enterprise's in `xsi:type`. */
function typeName(element: XmlElement): string {
  return textOf(element, 'type') ?? (element.attributes.type ?? '').replace(/^.*:/, '')
}

function known(type: ObjectType | undefined, name: string): ObjectType {
  if (type === undefined) throw new ApiError(500, 'INVALID_TYPE', `sObject type '${name}' is not supported.`)
  return type
}

/** What is sent as text is stored by the field's type; fields are emptied by name, and left alone where they are nil. */
function values(element: XmlElement): Record<string, unknown> {
  const fields = element.children.filter(({ name }) => name !== 'type' && name !== 'fieldsToNull')
  const given = fields.filter((field) => !isNil(field)).map(({ name, text }) => [name, text] as const)
  const emptied = textsOf(element, 'fieldsToNull').map((name) => [name, null] as const)
  return Object.fromEntries([...given, ...emptied])
}

function together(org: Org, { operation, header }: SoapRequest, work: (() => SaveResult)[]): object[] {
  if (work.length > MOST_RECORDS) {
    const message = `record limit reached. cannot submit more than ${MOST_RECORDS} records in this operation`
    throw new ApiError(500, 'EXCEEDED_ID_LIMIT', message)
  }
  const isAllOrNone = textOf(childOf(header, 'AllOrNoneHeader'), 'allOrNone') === 'true'
  const isKept = (results: SaveResult[]) => !isAllOrNone || results.every((result) => result.success)
  const results = org.store.transaction(() => work.map((one) => one()), isKept)
  const isUpsert = operation.name === 'upsert'
  return (isKept(results) ? results : results.map(rolledBack)).map((result) => shown(result, isUpsert))
}

function rolledBack(result: SaveResult): SaveResult {
  if (!result.success) return result
  const message = 'Record rolled back because not all records were valid and the request was using AllOrNone header'
  return { success: false, errors: [{ statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK', message, fields: [] }] }
}

function shown({ id, success, errors, created }: SaveResult, isUpsert: boolean): object {
  return {
    ...(isUpsert ? { created: created ?? false } : {}),
    errors: errors.map(({ fields, message, statusCode }) => ({ fields, message, statusCode })),
    id: id ?? null,
    success,
  }
}
