import { json, text, type Answer } from './answer.ts'
import { ApiError, methodNotAllowed, notFound } from './api-error.ts'
import { jsonObject, type ApiCall } from './call.ts'
import * as bulk from './bulk-jobs.ts'
import type { IngestJob } from './bulk-types.ts'
import { objectType } from './cmdb-schema.ts'
import { formatCsv, parseCsv } from './csv.ts'
import type { Operation, SaveResult } from './dml-types.ts'
import { save } from './dml.ts'
import type { Org } from './org.ts'
import type { ObjectType } from './schema-types.ts'
import { externalField } from './sobjects-api.ts'

/** `/jobs/ingest…` of Bulk API 2.0. */
export function bulkIngest(org: Org, call: ApiCall): Answer {
  const [, , id, part] = call.segments
  const jobs = org.ingestJobs
  if (id === undefined) {
    if (call.method === 'POST') return json(200, info(org, create(org, call)))
    return json(200, { done: true, records: jobs.all().map((job) => info(org, job)), nextRecordsUrl: null })
  }
  const job = bulk.advance(org, jobs.get(id), (due) => {
    complete(org, due)
  })
  if (part === 'batches') return upload(call, job)
  if (part !== undefined) return results(job, part.toLowerCase())
  return bulk.oneJob(call, {
    read: () => info(org, job),
    change: () => change(org, job, bulk.askedState(call)),
    remove: () => {
      jobs.remove(id)
    },
  })
}

function create(org: Org, call: ApiCall): IngestJob {
  const asked = jsonObject(call)
  const type = objectType(String(asked.object))
  if (type === undefined) throw new ApiError(400, 'INVALIDENTITY', `Unable to find object: ${String(asked.object)}`)
  const job: IngestJob = {
    ...bulk.newJob(org, call, org.ingestJobs.nextId(), asked),
    type,
    operation: operationOf(asked, type),
    operationName: String(asked.operation),
    columns: [],
    waiting: [],
    done: [],
    errorMessage: undefined,
  }
  org.ingestJobs.add(job)
  return job
}

function operationOf({ operation, externalIdFieldName }: Record<string, unknown>, type: ObjectType): Operation {
  switch (operation) {
    case 'insert':
    case 'update':
    case 'delete':
      return { kind: operation }
    case 'hardDelete':
      return { kind: 'delete' }
    case 'upsert':
      return { kind: 'upsert', externalId: externalField(type, String(externalIdFieldName)).name }
    default:
      throw new ApiError(400, 'INVALIDJOB', 'operation: insert, update, upsert, delete or hardDelete is needed')
  }
}

function upload(call: ApiCall, job: IngestJob): Answer {
  if (call.method !== 'PUT') throw methodNotAllowed(call.method, 'PUT')
  if (job.state !== 'Open') throw bulk.invalidState(`Data can only be uploaded to an open job: it is ${job.state}`)
  if (job.columns.length > 0) throw bulk.invalidState('Data can only be uploaded once')
  try {
    const [columns = [], ...lines] = parseCsv(call.body.toString(), bulk.delimiterOf(job))
    job.columns = columns
    job.waiting = lines
  } catch (cause) {
    job.errorMessage = `InvalidBatch : ${cause instanceof Error ? cause.message : 'malformed CSV'}`
  }
  return { status: 201 }
}

function change(org: Org, job: IngestJob, state: unknown): object {
  if (state === 'Aborted') bulk.abort(job)
  else if (state === 'UploadComplete' && job.state === 'Open') {
    job.state = 'UploadComplete'
    job.startedAt = org.state.clock.now()
  } else throw bulk.invalidState(`The job is ${job.state}: it cannot become ${String(state)}`)
  return info(org, job)
}

function complete(org: Org, job: IngestJob): void {
  if (job.errorMessage !== undefined) {
    job.state = 'Failed'
    return
  }
  job.done = job.waiting.map((values) => {
    return { values, result: save(org, job.operation, job.type, givenCells(job.columns, values)) }
  })
  job.waiting = []
}

/** A line of CSV as a record: an empty cell leaves its field alone; #N/A empties it. */
export function givenCells(columns: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const sent: Record<string, unknown> = {}
  for (const [index, name] of columns.entries()) {
    const cell = cells[index] ?? ''
    if (cell !== '') sent[name] = cell === '#N/A' ? null : cell
  }
  return sent
}

function results(job: IngestJob, part: string): Answer {
  const rows = resultRows(job, part)
  return text(200, 'text/csv', formatCsv(rows, bulk.delimiterOf(job), bulk.lineEndOf(job)))
}

function resultRows(job: IngestJob, part: string): (readonly string[])[] {
  const lines = (success: boolean) => job.done.filter(({ result }) => result.success === success)
  switch (part) {
    case 'successfulresults':
      return [
        ['sf__Id', 'sf__Created', ...job.columns],
        ...lines(true).map(({ values, result }) => [result.id ?? '', String(isCreated(job, result)), ...values]),
      ]
    case 'failedresults':
      return [
        ['sf__Id', 'sf__Error', ...job.columns],
        ...lines(false).map(({ values, result }) => ['', errorText(result), ...values]),
      ]
    case 'unprocessedrecords':
      return job.columns.length === 0 ? [] : [job.columns, ...job.waiting]
    default:
      throw notFound()
  }
}

const isCreated = (job: IngestJob, result: SaveResult) => result.created ?? job.operation.kind === 'insert'

/** The errors of a record as one cell. */
export const errorText = ({ errors }: SaveResult) =>
  errors.map(({ statusCode, message, fields }) => `${statusCode}:${message}:${fields.join(',')} --`).join('; ')

function info(org: Org, job: IngestJob): object {
  const failed = job.done.filter(({ result }) => !result.success).length
  const { operation } = job
  return {
    ...bulk.jobInfo(org, job),
    operation: job.operationName,
    object: job.type.name,
    ...(operation.kind === 'upsert' ? { externalIdFieldName: operation.externalId } : {}),
    contentUrl: `services/data/v${job.apiVersion}/jobs/ingest/${job.id}/batches`,
    jobType: 'V2Ingest',
    numberRecordsProcessed: job.done.length,
    numberRecordsFailed: failed,
    ...(job.errorMessage === undefined ? {} : { errorMessage: job.errorMessage }),
    retries: 0,
    totalProcessingTime: 0,
    apiActiveProcessingTime: 0,
    apexProcessingTime: 0,
  }
}
