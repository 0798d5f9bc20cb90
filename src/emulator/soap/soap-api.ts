import type { Answer } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import type { Org } from '../org.ts'
import { describeMetadata, listMetadata } from './metadata.ts'
import { describeSoapGlobal, describeSObject, describeSObjects } from './soap-describe.ts'
import { soapAnswer, type SoapRequest, type SoapService } from './soap-message.ts'
import { query, queryAll, queryMore, retrieve } from './soap-query.ts'
import { create, remove, update, upsert } from './soap-records.ts'
import { getServerTimestamp, getUserInfo, invalidateSessions, login, logout } from './soap-sessions.ts'

/** Answers one operation with its results; `token` is the caller's session, empty where it has none yet. */
export type Operation = (org: Org, request: SoapRequest, token: string) => readonly unknown[]

const DATA: Readonly<Record<string, Operation>> = {
  login,
  logout,
  invalidateSessions,
  getUserInfo,
  getServerTimestamp,
  query,
  queryAll,
  queryMore,
  retrieve,
  create,
  update,
  upsert,
  delete: remove,
  describeGlobal: describeSoapGlobal,
  describeSObject,
  describeSObjects,
}

const OPERATIONS: Record<SoapService, Readonly<Record<string, Operation>>> = {
  u: DATA,
  c: DATA,
  m: { describeMetadata, listMetadata },
}

/** Throws the ApiError that becomes the fault. */
export function soapApi(org: Org, request: SoapRequest, token: string): Answer {
  const { service, operation } = request
  const perform = OPERATIONS[service][operation.name]
  if (perform === undefined) {
    throw new ApiError(500, 'UNKNOWN_EXCEPTION', `No operation available for request {${service}}${operation.name}`)
  }
  return soapAnswer(request, perform(org, request, token))
}
