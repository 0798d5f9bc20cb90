import { isTooDeep } from '../../json-depth.ts'
import { ApiError } from '../api-error.ts'
import { givenCells } from '../bulk-ingest.ts'
import { isObject } from '../call.ts'
import { parseCsv } from '../csv.ts'
import { save } from '../dml.ts'
import type { Org } from '../org.ts'
import { toId18 } from '../record-id.ts'
import { runQuery } from '../soql.ts'
import type { Batch, Bulk1Job } from './bulk1-types.ts'

const MOST_RECORDS = 10_000

/** Moves the job's batches on with time, as far as it has come: processing takes `jobDurationMs`, and none by default. */
export function settle(org: Org, job: Bulk1Job): Bulk1Job {
  for (const batch of job.batches) {
    if (batch.state !== 'Queued' && batch.state !== 'InProgress') continue
    if (job.state === 'Aborted') batch.state = 'NotProcessed'
    else if (org.state.clock.now() < batch.createdAt + org.state.jobDurationMs) batch.state = 'InProgress'
    else complete(org, job, batch)
  }
  return job
}

function complete(org: Org, job: Bulk1Job, batch: Batch): void {
  try {
    process(org, job, batch)
    batch.state = 'Completed'
  } catch (cause) {
    batch.state = 'Failed'
    const reason = cause instanceof ApiError ? `${cause.errorCode}: ${cause.message}` : String(cause)
    const isQuery = typeof job.operation === 'string'
    batch.stateMessage = `InvalidBatch : ${isQuery ? 'Failed to process query: ' : ''}${reason}`
  }
}

function process(org: Org, job: Bulk1Job, batch: Batch): void {
  const { operation, type } = job
  if (typeof operation === 'string') {
    const includeDeleted = operation === 'queryAll'
    const result = runQuery(batch.request, { store: org.store, now: org.state.clock.now(), includeDeleted })
    batch.query = { id: toId18(`752${batch.id.slice(3, 15)}`), result }
    return
  }
  const records = job.contentType === 'JSON' ? jsonRecords(batch.request) : csvRecords(batch.request)
  if (records.length > MOST_RECORDS) throw new ApiError(400, 'ClientInputError', 'Records limit exceeded: 10,000')
  batch.results = records.map((record) => save(org, operation, type, record))
}

function jsonRecords(body: string): Record<string, unknown>[] {
  if (isTooDeep(body)) throw new ApiError(400, 'ClientInputError', 'The JSON nests too deep')
  const records: unknown = JSON.parse(body)
  if (!Array.isArray(records)) throw new ApiError(400, 'ClientInputError', 'A JSON array of records is expected')
  return records.filter(isObject)
}

function csvRecords(body: string): Record<string, unknown>[] {
  const [columns = [], ...lines] = parseCsv(body)
  return lines.map((cells) => givenCells(columns, cells))
}
