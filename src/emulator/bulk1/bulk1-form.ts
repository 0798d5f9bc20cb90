import { json, text, type Answer } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { header, jsonObject, type Call } from '../call.ts'
import { dateTime } from '../cmdb-data.ts'
import type { Org } from '../org.ts'
import { parseXml, toXml } from '../xml.ts'
import type { Batch, Bulk1Job } from './bulk1-types.ts'

export const DATALOAD = 'http://www.force.com/2009/06/asyncapi/dataload'
export const XML_TYPE = 'application/xml;charset=UTF-8'

/** Answers are XML unless the request speaks JSON. */
export function wantsJson(call: Call): boolean {
  return /json/i.test(`${header(call, 'accept') ?? ''} ${header(call, 'content-type') ?? ''}`)
}

/** What a `jobInfo` asks for, by name. Throws InvalidJob. */
export function askedJob(call: Call): Record<string, unknown> {
  if (wantsJson(call)) return jsonObject(call)
  try {
    const root = parseXml(call.body.toString())
    if (root.name !== 'jobInfo') throw new Error(`jobInfo expected, ${root.name} found`)
    return Object.fromEntries(root.children.map((child) => [child.name, child.text.trim()]))
  } catch (cause) {
    throw new ApiError(400, 'InvalidJob', `Unable to parse Job: ${cause instanceof Error ? cause.message : ''}`)
  }
}

/** One document of the job's bookkeeping. */
export function told(call: Call, status: number, name: string, value: object): Answer {
  if (wantsJson(call)) return json(status, value)
  return xmlAnswer(status, name, value)
}

export function xmlAnswer(status: number, name: string, value: object): Answer {
  return text(
    status,
    XML_TYPE,
    `<?xml version="1.0" encoding="UTF-8"?>${toXml(name, { '@xmlns': DATALOAD, ...value })}`,
  )
}

const TIMES = { totalProcessingTime: 0, apiActiveProcessingTime: 0, apexProcessingTime: 0 }

export function jobInfo(org: Org, job: Bulk1Job): object {
  const stamp = instant(job.createdAt)
  const inState = (...states: Batch['state'][]) => job.batches.filter(({ state }) => states.includes(state)).length
  const counts = job.batches.map(processed)
  const { operation } = job
  return {
    id: job.id,
    operation: job.operationName,
    object: job.type.name,
    createdById: org.state.userId,
    createdDate: stamp,
    systemModstamp: stamp,
    state: job.state,
    ...(typeof operation === 'object' && operation.kind === 'upsert'
      ? { externalIdFieldName: operation.externalId }
      : {}),
    concurrencyMode: job.concurrencyMode,
    contentType: job.contentType,
    numberBatchesQueued: inState('Queued'),
    numberBatchesInProgress: inState('InProgress'),
    numberBatchesCompleted: inState('Completed'),
    numberBatchesFailed: inState('Failed'),
    numberBatchesTotal: job.batches.length,
    numberRecordsProcessed: counts.reduce((total, { all }) => total + all, 0),
    numberRetries: 0,
    apiVersion: job.apiVersion,
    numberRecordsFailed: counts.reduce((total, { failed }) => total + failed, 0),
    ...TIMES,
  }
}

export function batchInfo(job: Bulk1Job, batch: Batch): object {
  const stamp = instant(batch.createdAt)
  const { all, failed } = processed(batch)
  return {
    id: batch.id,
    jobId: job.id,
    state: batch.state,
    ...(batch.stateMessage === undefined ? {} : { stateMessage: batch.stateMessage }),
    createdDate: stamp,
    systemModstamp: stamp,
    numberRecordsProcessed: all,
    numberRecordsFailed: failed,
    ...TIMES,
  }
}

function processed({ results, query }: Batch): { all: number; failed: number } {
  return { all: query?.result.totalSize ?? results.length, failed: results.filter(({ success }) => !success).length }
}

const instant = (at: number) => dateTime(at).replace('+0000', 'Z')
