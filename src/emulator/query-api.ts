import { json, type Answer } from './answer.ts'
import { ApiError, notFound } from './api-error.ts'
import { header, type ApiCall } from './call.ts'
import { columnMetadata } from './column-metadata.ts'
import type { Cursor } from './cursors.ts'
import type { Org } from './org.ts'
import { runQuery } from './soql.ts'

/** `/query`, `/queryAll` and their further pages. */
export function queryApi(org: Org, call: ApiCall): Answer {
  const [resource = 'query', locator] = call.segments
  if (locator !== undefined) return nextPage(org, call, resource, locator)
  const soql = call.query.get('q')
  if (soql === null) {
    throw new ApiError(400, 'MALFORMED_QUERY', 'A query string has to be specified')
  }
  const includeDeleted = resource.toLowerCase() === 'queryall'
  const result = runQuery(soql, { store: org.store, now: org.state.clock.now(), includeDeleted })
  if (call.query.get('columns') === 'true') return json(200, columnMetadata(result))
  return page(org, call, resource, { result, pageSize: pageSize(call), session: call.session }, 0)
}

/** 200 to 2000 at a time, as asked for in Sforce-Query-Options; anything else is moved into that range. */
function pageSize(call: ApiCall): number {
  const asked = /batchSize\s*=\s*(\d+)/i.exec(header(call, 'sforce-query-options') ?? '')?.[1]
  return Math.min(Math.max(Number(asked ?? 2000), 200), 2000)
}

function nextPage(org: Org, call: ApiCall, resource: string, locator: string): Answer {
  const [id = '', start = ''] = locator.split('-')
  const cursor = org.cursors.find(id)
  if (cursor === undefined || !/^\d+$/.test(start)) {
    throw new ApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  }
  // The token is as good as ever: only this cursor is closed to it, for good.
  if (cursor.session !== call.session) throw new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
  if (Number(start) >= cursor.result.rows.length) throw notFound()
  return page(org, call, resource, cursor, Number(start), id)
}

function page(org: Org, call: ApiCall, resource: string, cursor: Cursor, start: number, id?: string): Answer {
  const { result, pageSize } = cursor
  const base = `/services/data/v${call.version}`
  const end = start + pageSize
  const records = result.rows.slice(start, end).map((row) => result.shape(row, base))
  const { totalSize } = result
  if (end >= result.rows.length) return json(200, { totalSize, done: true, records })
  const cursorId = id ?? org.cursors.open(cursor)
  return json(200, { totalSize, done: false, nextRecordsUrl: `${base}/${resource}/${cursorId}-${end}`, records })
}
