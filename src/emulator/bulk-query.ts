import { json, text, type Answer } from './answer.ts'
import { ApiError, notFound } from './api-error.ts'
import { jsonObject, type ApiCall } from './call.ts'
import * as bulk from './bulk-jobs.ts'
import type { QueryJob } from './bulk-types.ts'
import { formatCsv } from './csv.ts'
import type { Org } from './org.ts'
import type { Row } from './schema-types.ts'
import { runQuery, type QueryResult } from './soql.ts'
import type { Column } from './soql-select.ts'

const MOST_PER_PAGE = 250_000

/** `/jobs/query…` of Bulk API 2.0. */
export function bulkQuery(org: Org, call: ApiCall): Answer {
  const [, , id, results] = call.segments
  const jobs = org.queryJobs
  if (id === undefined) {
    if (call.method === 'POST') return json(200, info(org, create(org, call)))
    return json(200, { done: true, records: jobs.all().map((job) => info(org, job)), nextRecordsUrl: null })
  }
  const job = bulk.advance(org, jobs.get(id), () => undefined)
  if (results === 'results') return page(call, job)
  if (results !== undefined) throw notFound()
  return bulk.oneJob(call, {
    read: () => info(org, job),
    change: () => {
      if (bulk.askedState(call) !== 'Aborted') throw bulk.invalidState('A query job can only be aborted')
      bulk.abort(job)
      return info(org, job)
    },
    remove: () => {
      jobs.remove(id)
    },
  })
}

function create(org: Org, call: ApiCall): QueryJob {
  const asked = jsonObject(call)
  const { operation, query } = asked
  if (operation !== 'query' && operation !== 'queryAll') {
    throw new ApiError(400, 'INVALIDJOB', 'operation: query or queryAll is needed')
  }
  const now = org.state.clock.now()
  const includeDeleted = operation === 'queryAll'
  const result = runQuery(typeof query === 'string' ? query : '', { store: org.store, now, includeDeleted })
  if (result.isGrouped || result.columns.some((column) => column.isAggregate)) {
    throw new ApiError(400, 'API_ERROR', 'Aggregate Relationships not supported in Bulk Query')
  }
  const base = bulk.newJob(org, call, org.queryJobs.nextId(), asked)
  const job: QueryJob = { ...base, operation, result, state: 'UploadComplete', startedAt: now }
  org.queryJobs.add(job)
  return job
}

function info(org: Org, job: QueryJob): object {
  const isDone = job.state === 'JobComplete'
  return {
    ...bulk.jobInfo(org, job),
    operation: job.operation,
    object: job.result.type.name,
    jobType: 'V2Query',
    ...(isDone ? { numberRecordsProcessed: job.result.totalSize, retries: 0, totalProcessingTime: 1 } : {}),
  }
}

/** The locator of a page is where it starts; the literal `null` says that it was the last. */
function page(call: ApiCall, job: QueryJob): Answer {
  if (job.state !== 'JobComplete') throw bulk.invalidState(`Results are not ready: the job is ${job.state}`)
  const start = Number(fromLocator(call.query.get('locator')))
  const asked = Number(call.query.get('maxRecords') ?? MOST_PER_PAGE)
  if (!Number.isInteger(start) || start > job.result.rows.length || !(asked >= 1)) {
    throw new ApiError(400, 'API_ERROR', 'The locator or maxRecords is invalid')
  }
  const end = start + Math.min(asked, MOST_PER_PAGE)
  const rows = job.result.rows.slice(start, end)
  const csv = formatCsv(csvRows(job.result, rows), bulk.delimiterOf(job), bulk.lineEndOf(job))
  return text(200, 'text/csv;charset=UTF-8', csv, {
    'sforce-locator': end < job.result.rows.length ? toLocator(end) : 'null',
    'sforce-numberofrecords': String(rows.length),
  })
}

/** The header line, and a line for each of these rows of the result. */
export function csvRows({ columns, shape }: QueryResult, rows: readonly Row[]): string[][] {
  const paths = columns.flatMap((column) => columnPaths(column))
  const lines = rows.map((row) => {
    const record = shape(row, '')
    return paths.map((path) => cell(path.reduce<unknown>(step, record)))
  })
  return [paths.map((path) => path.join('.')), ...lines]
}

const toLocator = (start: number) => Buffer.from(String(start)).toString('base64url')
const fromLocator = (locator: string | null) =>
  locator === null || locator === '' ? '0' : Buffer.from(locator, 'base64url').toString()

/** A column of a parent is one column for each field asked of it. */
function columnPaths({ name, join }: Column): string[][] {
  if (join === undefined) return [[name]]
  return [...join.columns.values()].flatMap(columnPaths).map((path) => [name, ...path])
}

function step(at: unknown, name: string): unknown {
  // What is not an object has no property of that name.
  return typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined
}

function cell(value: unknown): string {
  if (typeof value === 'string') return value.replace(/^(\d{4}-\d\d-\d\dT[\d:.]+)\+0000$/, '$1Z')
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}
