import { ApiError } from '../api-error.ts'
import { isObject } from '../call.ts'
import { objectType } from '../cmdb-schema.ts'
import type { Cursor } from '../cursors.ts'
import { required } from '../dml.ts'
import type { Org } from '../org.ts'
import { runQuery } from '../soql.ts'
import { selectPaths, shaper } from '../soql-select.ts'
import { childOf, textOf, textsOf } from '../xml.ts'
import type { SoapRequest } from './soap-message.ts'

export function query(org: Org, request: SoapRequest, session: string): object[] {
  return [firstPage(org, request, { session, includeDeleted: false })]
}

export function queryAll(org: Org, request: SoapRequest, session: string): object[] {
  return [firstPage(org, request, { session, includeDeleted: true })]
}

interface Asking {
  readonly session: string
  readonly includeDeleted: boolean
}

function firstPage(org: Org, request: SoapRequest, { session, includeDeleted }: Asking): object {
  const soql = textOf(request.operation, 'queryString') ?? ''
  const result = runQuery(soql, { store: org.store, now: org.state.clock.now(), includeDeleted })
  return page(org, request, { result, pageSize: pageSize(request), session }, 0)
}

/** 200 to 2000 at a time as the QueryOptions header asks, 500 unless asked. */
function pageSize({ header }: SoapRequest): number {
  const asked = Number(textOf(childOf(header, 'QueryOptions'), 'batchSize') ?? 500)
  return Math.min(Math.max(Number.isInteger(asked) ? asked : 500, 200), 2000)
}

export function queryMore(org: Org, request: SoapRequest, session: string): object[] {
  const [id = '', start = ''] = (textOf(request.operation, 'queryLocator') ?? '').split('-')
  const cursor = org.cursors.find(id)
  if (cursor === undefined || !/^\d+$/.test(start) || Number(start) >= cursor.result.rows.length) {
    throw new ApiError(500, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  }
  if (cursor.session !== session) {
    throw new ApiError(500, 'INVALID_SESSION_ID', 'This session is not valid for use with the API')
  }
  return [page(org, request, cursor, Number(start), id)]
}

function page(org: Org, request: SoapRequest, cursor: Cursor, start: number, id?: string): object {
  const { rows, shape, totalSize } = cursor.result
  const end = start + cursor.pageSize
  const isDone = end >= rows.length
  return {
    '@xsi:type': 'QueryResult',
    done: isDone,
    queryLocator: isDone ? null : `${id ?? org.cursors.open(cursor)}-${end}`,
    records: rows.slice(start, end).map((row) => sobject(shape(row, ''), request)),
    size: totalSize,
  }
}

/** The records of these Ids in their order; nil for one that is not there. */
export function retrieve(org: Org, request: SoapRequest): unknown[] {
  const { operation } = request
  const type = required(objectType(textOf(operation, 'sObjectType') ?? ''))
  const fields = (textOf(operation, 'fieldList') ?? '').split(',').map((name) => name.trim())
  const shape = shaper(selectPaths({ store: org.store, type, soql: fields.join(',') }, fields))
  return textsOf(operation, 'ids').map((id) => {
    const row = org.store.find(type, id)
    return row === undefined ? null : sobject(shape(row, ''), request)
  })
}

/** A record of the REST API as SOAP has it: partner's names its type first and Id always, enterprise's carries the type as an attribute. */
function sobject(record: Record<string, unknown>, request: SoapRequest): object {
  const { attributes, ...fields } = record
  const type = isObject(attributes) ? String(attributes.type) : 'AggregateResult'
  const values = Object.entries(fields).map(([name, value]) => [`sf:${name}`, fieldValue(value, request)] as const)
  const own = Object.fromEntries(values)
  if (request.service === 'c') return { '@xsi:type': `sf:${type}`, ...own }
  return { '@xsi:type': 'sf:sObject', 'sf:type': type, ...('Id' in fields ? {} : { 'sf:Id': null }), ...own }
}

function fieldValue(value: unknown, request: SoapRequest): unknown {
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\dT[\d:.]+)\+0000$/, '$1Z')
  if (!isObject(value)) return value
  if (!Array.isArray(value.records)) return sobject(value, request)
  const children: readonly unknown[] = value.records
  const records = children.filter(isObject).map((record) => sobject(record, request))
  return { '@xsi:type': 'QueryResult', done: true, queryLocator: null, records, size: records.length }
}
