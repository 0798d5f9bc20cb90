import { json, NO_CONTENT, type Answer } from './answer.ts'
import { ApiError, methodNotAllowed } from './api-error.ts'
import { jsonObject, type ApiCall } from './call.ts'
import { dateTime } from './cmdb-data.ts'
import type { Job } from './bulk-types.ts'
import type { Org } from './org.ts'

const DELIMITERS: Readonly<Record<string, string>> = {
  COMMA: ',',
  TAB: '\t',
  SEMICOLON: ';',
  PIPE: '|',
  CARET: '^',
  BACKQUOTE: '`',
}

/** The parts that both kinds of jobs are made with. */
export function newJob(org: Org, call: ApiCall, id: string, asked: Record<string, unknown>): Job {
  const { columnDelimiter = 'COMMA', lineEnding = 'LF', contentType = 'CSV' } = asked
  if (contentType !== 'CSV') throw new ApiError(400, 'INVALIDJOB', 'contentType: only CSV is supported')
  if (!(String(columnDelimiter) in DELIMITERS) || !['LF', 'CRLF'].includes(String(lineEnding))) {
    throw new ApiError(400, 'INVALIDJOB', 'columnDelimiter or lineEnding is unknown')
  }
  return {
    id,
    createdAt: org.state.clock.now(),
    apiVersion: call.version,
    columnDelimiter: String(columnDelimiter),
    lineEnding: String(lineEnding),
    state: 'Open',
    startedAt: undefined,
  }
}

export const delimiterOf = (job: Job) => DELIMITERS[job.columnDelimiter] ?? ','
export const lineEndOf = (job: Job) => (job.lineEnding === 'CRLF' ? '\r\n' : '\n')

/** Moves a job on with time: processing takes `jobDurationMs`, and none by default. */
export function advance<J extends Job>(org: Org, job: J, complete: (job: J) => void): J {
  if (job.startedAt === undefined || !['UploadComplete', 'InProgress'].includes(job.state)) return job
  const isDue = org.state.clock.now() >= job.startedAt + org.state.jobDurationMs
  job.state = isDue ? 'JobComplete' : 'InProgress'
  if (isDue) complete(job)
  return job
}

/** What both kinds of jobs tell of themselves. */
export function jobInfo(org: Org, job: Job): Record<string, unknown> {
  const stamp = dateTime(job.createdAt)
  return {
    id: job.id,
    createdById: org.state.userId,
    createdDate: stamp,
    systemModstamp: stamp,
    state: job.state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: Number(job.apiVersion),
    lineEnding: job.lineEnding,
    columnDelimiter: job.columnDelimiter,
  }
}

/** The state that a PATCH asks for. */
export function askedState(call: ApiCall): unknown {
  return jsonObject(call).state
}

export function abort(job: Job): void {
  if (job.state === 'JobComplete' || job.state === 'Aborted') throw invalidState(`Job is already ${job.state}`)
  job.state = 'Aborted'
}

export const invalidState = (message: string) => new ApiError(400, 'INVALIDJOBSTATE', message)

/** A job by itself: GET, PATCH and DELETE. */
export function oneJob(call: ApiCall, routes: { read(): object; change(): object; remove(): void }): Answer {
  switch (call.method) {
    case 'GET':
      return json(200, routes.read())
    case 'PATCH':
      return json(200, routes.change())
    case 'DELETE':
      routes.remove()
      return NO_CONTENT
    default:
      throw methodNotAllowed(call.method, 'GET,PATCH,DELETE')
  }
}
