import { json, type Answer } from './answer.ts'
import { ApiError, methodNotAllowed } from './api-error.ts'
import { isObject, jsonObject, type ApiCall } from './call.ts'
import { objectType } from './cmdb-schema.ts'
import type { Operation, SaveResult } from './dml-types.ts'
import { required, save } from './dml.ts'
import type { Org } from './org.ts'
import { typeOfId } from './record-types.ts'
import { selectPaths, shaper } from './soql-select.ts'

const MOST_RECORDS = 200

/** `/composite/sobjects…`: up to 200 records at a time. */
export function collections(org: Org, call: ApiCall): Answer {
  const [, , name, externalId] = call.segments
  if (name !== undefined && externalId === undefined) return retrieve(org, call, name)
  switch (call.method) {
    case 'POST':
      return saveAll(org, call, { kind: 'insert' })
    case 'PATCH':
      return saveAll(org, call, externalId === undefined ? { kind: 'update' } : { kind: 'upsert', externalId })
    case 'DELETE':
      return deleteAll(org, call)
    default:
      throw methodNotAllowed(call.method, 'POST,PATCH,DELETE')
  }
}

function saveAll(org: Org, call: ApiCall, operation: Operation): Answer {
  const { records, allOrNone } = jsonObject(call)
  const sent = (Array.isArray(records) ? records : []).filter(isObject)
  if (sent.length === 0) throw new ApiError(400, 'INVALID_INPUT', 'records: at least one record is needed')
  const work = sent.map((record) => () => {
    const attributes = isObject(record.attributes) ? record.attributes : {}
    return save(org, operation, required(objectType(String(attributes.type))), record)
  })
  return json(200, together(org, work, allOrNone === true))
}

function deleteAll(org: Org, call: ApiCall): Answer {
  const work = idsOf(call).map((Id) => () => save(org, { kind: 'delete' }, required(typeOfId(Id)), { Id }))
  return json(200, together(org, work, call.query.get('allOrNone') === 'true'))
}

function together(org: Org, work: (() => SaveResult)[], allOrNone: boolean): SaveResult[] {
  if (work.length > MOST_RECORDS) {
    throw new ApiError(400, 'INVALID_INPUT', `The request cannot have more than ${MOST_RECORDS} records`)
  }
  const isKept = (results: SaveResult[]) => !allOrNone || results.every((result) => result.success)
  const results = org.store.transaction(() => work.map((one) => one()), isKept)
  return isKept(results) ? results : results.map((result) => (result.success ? ROLLED_BACK : result))
}

const ROLLED_BACK: SaveResult = {
  success: false,
  errors: [
    {
      statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
      fields: [],
    },
  ],
}

/** Records by Id, in the order asked for; null for one that is not there. */
function retrieve(org: Org, call: ApiCall, name: string): Answer {
  const type = required(objectType(name))
  const body = call.method === 'POST' ? jsonObject(call) : {}
  const ids = Array.isArray(body.ids) ? body.ids.map(String) : idsOf(call)
  const fields = Array.isArray(body.fields) ? body.fields.map(String) : listed(call.query.get('fields'))
  if (fields.length === 0) throw new ApiError(400, 'MISSING_ARGUMENT', 'fields: at least one field is needed')
  const shape = shaper(selectPaths({ store: org.store, type, soql: fields.join(',') }, fields))
  const records = ids.map((id) => {
    const row = org.store.find(type, id)
    return row === undefined ? null : shape(row, `/services/data/v${call.version}`)
  })
  return json(200, records)
}

const idsOf = (call: ApiCall) => listed(call.query.get('ids'))

function listed(text: string | null): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}
