import { JSON_TYPE, text, type Answer } from '../answer.ts'
import { ApiError, methodNotAllowed, notFound } from '../api-error.ts'
import type { Call } from '../call.ts'
import { objectType } from '../cmdb-schema.ts'
import type { Org } from '../org.ts'
import { normaliseId, recordId } from '../record-id.ts'
import { externalField } from '../sobjects-api.ts'
import { settle } from './bulk1-batches.ts'
import { askedJob, batchInfo, jobInfo, told } from './bulk1-form.ts'
import { CSV_TEXT, queryResult, results } from './bulk1-results.ts'
import type { Batch, Bulk1Job } from './bulk1-types.ts'

/** `/services/async/NN.0/job…`: Bulk API 1.0 with CSV and JSON. */
export function bulk1Api(org: Org, call: Call): Answer {
  const match = /^\/services\/async\/(\d+\.0)\/job(?:\/(.*))?$/i.exec(call.path)
  if (match === null) throw notFound('Client specified an invalid URL')
  const [jobId, kind, batchId, part, resultId] = (match[2] ?? '').split('/').filter(Boolean)
  if (jobId === undefined) {
    if (call.method !== 'POST') throw methodNotAllowed(call.method, 'POST')
    return told(call, 201, 'jobInfo', jobInfo(org, create(org, call, match[1] ?? '')))
  }
  const job = settle(org, org.bulk1Jobs.get(jobId))
  if (kind === undefined) return oneJob(org, call, job)
  if (kind !== 'batch') throw notFound('Client specified an invalid URL')
  if (batchId === undefined) return batches(org, call, job)
  const batch = job.batches.find(({ id }) => id === normaliseId(batchId))
  if (batch === undefined) throw new ApiError(400, 'InvalidBatch', `Unable to find batch for id: ${batchId}`)
  if (part === undefined) return told(call, 200, 'batchInfo', batchInfo(job, batch))
  if (part === 'request') return text(200, job.contentType === 'JSON' ? JSON_TYPE : CSV_TEXT, batch.request)
  if (part === 'result') return resultId === undefined ? results(job, batch) : queryResult(job, batch, resultId)
  throw notFound('Client specified an invalid URL')
}

function create(org: Org, call: Call, apiVersion: string): Bulk1Job {
  const asked = askedJob(call)
  const type = objectType(String(asked.object))
  if (type === undefined) throw new ApiError(400, 'InvalidJob', `Unable to find object: ${String(asked.object)}`)
  const { contentType = 'CSV', concurrencyMode = 'Parallel', externalIdFieldName } = asked
  if (contentType !== 'CSV' && contentType !== 'JSON') {
    throw new ApiError(400, 'InvalidJob', `contentType ${String(contentType)}: the emulator speaks CSV and JSON`)
  }
  const externalId = () => externalField(type, String(externalIdFieldName)).name
  const job: Bulk1Job = {
    id: org.bulk1Jobs.nextId(),
    createdAt: org.state.clock.now(),
    apiVersion,
    type,
    operationName: String(asked.operation),
    operation: operationOf(asked.operation, externalId),
    contentType,
    concurrencyMode: String(concurrencyMode),
    batches: [],
    state: 'Open',
  }
  org.bulk1Jobs.add(job)
  return job
}

function operationOf(name: unknown, externalId: () => string): Bulk1Job['operation'] {
  switch (name) {
    case 'insert':
    case 'update':
    case 'delete':
      return { kind: name }
    case 'hardDelete':
      return { kind: 'delete' }
    case 'upsert':
      return { kind: 'upsert', externalId: externalId() }
    case 'query':
    case 'queryAll':
      return name
    default:
      throw new ApiError(400, 'InvalidJob', `Unable to parse Job: operation ${String(name)}`)
  }
}

function oneJob(org: Org, call: Call, job: Bulk1Job): Answer {
  if (call.method === 'POST') {
    const { state } = askedJob(call)
    if (job.state !== 'Open' || (state !== 'Closed' && state !== 'Aborted')) {
      throw new ApiError(400, 'InvalidJobState', `Job is ${job.state}: it cannot become ${String(state)}`)
    }
    job.state = state
    settle(org, job)
  } else if (call.method !== 'GET') throw methodNotAllowed(call.method, 'GET,POST')
  return told(call, 200, 'jobInfo', jobInfo(org, job))
}

function batches(org: Org, call: Call, job: Bulk1Job): Answer {
  if (call.method === 'GET') {
    return told(call, 200, 'batchInfoList', { batchInfo: job.batches.map((batch) => batchInfo(job, batch)) })
  }
  if (job.state !== 'Open') throw new ApiError(400, 'InvalidJobState', `Job is ${job.state}: it takes no more batches`)
  const batch: Batch = {
    id: recordId(
      '751',
      org.bulk1Jobs.all().reduce((total, { batches: { length } }) => total + length, 1),
    ),
    createdAt: org.state.clock.now(),
    request: call.body.toString(),
    state: 'Queued',
    stateMessage: undefined,
    results: [],
    query: undefined,
  }
  job.batches.push(batch)
  return told(call, 201, 'batchInfo', batchInfo(job, batch))
}
