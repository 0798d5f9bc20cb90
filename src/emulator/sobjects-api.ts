import { createHash } from 'node:crypto'
import { json, NO_CONTENT, type Answer } from './answer.ts'
import { ApiError, methodNotAllowed, notFound } from './api-error.ts'
import { header, jsonObject, type ApiCall } from './call.ts'
import { fieldOf, objectType } from './cmdb-schema.ts'
import { basicInfo, describeGlobal, describeObject } from './describe.ts'
import type { Org } from './org.ts'
import type { Field, ObjectType, Row } from './schema-types.ts'
import { selectPaths, shaper } from './soql-select.ts'

/** `/sobjects…`: describe, and the records one by one. */
export function sobjectsApi(org: Org, call: ApiCall): Answer {
  const [, name, third, fourth] = call.segments
  const base = `/services/data/v${call.version}`
  if (name === undefined)
    return read(call, () =>
      describeGlobal(base, org.state.switches.take('cmdb-objects-hidden', call.path) ? isStandard : undefined),
    )
  const type = objectType(name)
  if (type === undefined) throw notFound()
  if (third === undefined) return collection(org, call, type)
  if (third === 'describe' && fourth === undefined) return read(call, () => describeObject(type, base, call.origin))
  if (third === 'updated' || third === 'deleted') return read(call, () => changes(org, call, type, third))
  if (fourth !== undefined) return byExternalId(org, call, type, third, fourth)
  return byId(org, call, type, third)
}

const isStandard = (type: ObjectType) => !type.name.endsWith('__c')

/** GET and HEAD, with the conditional request headers; everything else is refused. */
function read(call: ApiCall, body: () => object): Answer {
  if (call.method !== 'GET' && call.method !== 'HEAD') throw methodNotAllowed(call.method, 'GET,HEAD')
  return tagged(call, body())
}

function tagged(call: ApiCall, body: object): Answer {
  const tag = createHash('sha1').update(JSON.stringify(body)).digest('base64')
  const etag = `"${tag}"`
  const seen = header(call, 'if-none-match')?.replaceAll('-gzip"', '"')
  if (seen !== undefined && (seen === '*' || seen.includes(etag))) return { status: 304, headers: { etag } }
  const wanted = header(call, 'if-match')?.replaceAll('-gzip"', '"')
  if (wanted !== undefined && wanted !== '*' && !wanted.includes(etag)) return { status: 412 }
  return json(200, body, { etag })
}

function collection(org: Org, call: ApiCall, type: ObjectType): Answer {
  const base = `/services/data/v${call.version}`
  if (call.method !== 'POST') return read(call, () => basicInfo(type, base))
  return created(call, type, org.store.insert(type, jsonObject(call)))
}

function created(call: ApiCall, type: ObjectType, id: string, extra: object = {}): Answer {
  const location = `/services/data/v${call.version}/sobjects/${type.name}/${id}`
  return json(201, { id, success: true, errors: [], ...extra }, { location })
}

function byId(org: Org, call: ApiCall, type: ObjectType, id: string): Answer {
  switch (call.method) {
    case 'GET':
    case 'HEAD': {
      const row = org.store.find(type, id)
      if (row === undefined) throw notFound()
      return tagged(call, record(org, call, type, row))
    }
    case 'PATCH':
      org.store.update(type, id, jsonObject(call))
      return NO_CONTENT
    case 'DELETE':
      org.store.remove(type, id)
      return NO_CONTENT
    default:
      throw methodNotAllowed(call.method, 'HEAD,GET,PATCH,DELETE')
  }
}

/** A record with all fields, or those that `fields=` names. */
function record(org: Org, call: ApiCall, type: ObjectType, row: Row): object {
  const asked = call.query.get('fields')
  const names = asked?.split(',').map((name) => name.trim()) ?? type.fields.map((field) => field.name)
  const selection = selectPaths({ store: org.store, type, soql: asked ?? '' }, names)
  return shaper(selection)(row, `/services/data/v${call.version}`)
}

function byExternalId(org: Org, call: ApiCall, type: ObjectType, name: string, value: string): Answer {
  const field = externalField(type, name)
  const row = field.type === 'id' ? org.store.find(type, value) : org.store.findByExternalId(type, field.name, value)
  const id = row === undefined ? undefined : String(row.Id)
  if (call.method === 'PATCH' || call.method === 'POST') {
    if (id === undefined) {
      const own = field.type === 'id' ? {} : { [field.name]: value }
      return created(call, type, org.store.insert(type, { ...jsonObject(call), ...own }), { created: true })
    }
    org.store.update(type, id, jsonObject(call))
    // Before version 46 an update by external Id answered 204.
    return Number(call.version) < 46 ? NO_CONTENT : json(200, { id, success: true, errors: [], created: false })
  }
  if (id === undefined) throw notFound()
  return byId(org, call, type, id)
}

/** The field that an upsert goes by; throws NOT_FOUND as Salesforce does for one that is no external Id. */
export function externalField(type: ObjectType, name: string): Field {
  const field = fieldOf(type, name)
  if (field?.type === 'id' || field?.externalId) return field
  throw notFound('Provided external ID field does not exist or is not accessible: ' + name)
}

function changes(org: Org, call: ApiCall, type: ObjectType, kind: 'updated' | 'deleted'): object {
  const [start, end] = [call.query.get('start'), call.query.get('end')].map((at) => Date.parse(at ?? ''))
  if (start === undefined || end === undefined || Number.isNaN(start) || Number.isNaN(end)) {
    throw new ApiError(400, 'INVALID_REPLICATION_DATE', 'startDate and endDate are needed as ISO 8601 instants')
  }
  const changed = org.store.rows(type, true).filter((row) => {
    const at = Date.parse(String(row.SystemModstamp))
    return at >= start && at < end && (row.IsDeleted === true) === (kind === 'deleted')
  })
  const latestDateCovered = call.query.get('end')
  if (kind === 'updated') return { ids: changed.map((row) => row.Id), latestDateCovered }
  const deletedRecords = changed.map((row) => ({ id: row.Id, deletedDate: row.SystemModstamp }))
  return { deletedRecords, earliestDateAvailable: call.query.get('start'), latestDateCovered }
}
