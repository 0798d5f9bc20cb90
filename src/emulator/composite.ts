import { formFields } from '../form-fields.ts'
import { json, type Answer } from './answer.ts'
import { answerToError, ApiError, apiError, methodNotAllowed, notFound } from './api-error.ts'
import { isObject, jsonObject, type ApiCall, type Call } from './call.ts'
import { collections } from './collections.ts'
import type { Org } from './org.ts'
import { resolveReferences, resolveText } from './references.ts'

const MOST_SUBREQUESTS = 25

/** Answers one sub-request; the REST API itself, handed in by it. */
export type Dispatch = (org: Org, call: Call) => Answer

/** `/composite`, `/composite/batch` and `/composite/sobjects`. */
export function compositeApi(org: Org, call: ApiCall, dispatch: Dispatch): Answer {
  const kind = call.segments[1]
  if (kind === 'sobjects') return collections(org, call)
  if (kind !== undefined && kind !== 'batch') throw notFound()
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'POST')
  return kind === 'batch' ? batch(org, call, dispatch) : composite(org, call, dispatch)
}

interface Done {
  readonly referenceId: string
  readonly answer: Answer
}

const ROLLED_BACK = apiError(
  400,
  'PROCESSING_HALTED',
  'The transaction was rolled back since another operation in the same transaction failed.',
)

function composite(org: Org, call: ApiCall, dispatch: Dispatch): Answer {
  const { compositeRequest, allOrNone = false } = jsonObject(call)
  const requests = subrequests(compositeRequest)
  const isKept = (done: Done[]) => allOrNone !== true || !done.some(isFailure)
  const done = org.store.transaction(() => inTurn(org, call, requests, dispatch), isKept)
  const told = isKept(done) ? done : done.map((one) => (isFailure(one) ? one : { ...one, answer: ROLLED_BACK }))
  return json(200, {
    compositeResponse: told.map(({ referenceId, answer }) => ({
      body: answer.json ?? null,
      httpHeaders: answer.headers?.location === undefined ? {} : { Location: answer.headers.location },
      httpStatusCode: answer.status,
      referenceId,
    })),
  })
}

const isFailure = ({ answer }: Done) => answer.status >= 400

function inTurn(org: Org, call: ApiCall, requests: Record<string, unknown>[], dispatch: Dispatch): Done[] {
  const answered = new Map<string, unknown>()
  return requests.map((request, index) => {
    const referenceId = typeof request.referenceId === 'string' ? request.referenceId : String(index)
    const answer = halting(() => {
      const url = resolveText(String(request.url), answered)
      const body = resolveReferences(request.body, answered)
      return dispatch(org, subcall(call, request, url, body))
    })
    if (answer.status < 400) answered.set(referenceId, answer.json)
    return { referenceId, answer }
  })
}

function halting(work: () => Answer): Answer {
  try {
    return work()
  } catch (error) {
    return answerToError(error)
  }
}

function batch(org: Org, call: ApiCall, dispatch: Dispatch): Answer {
  const { batchRequests, haltOnError } = jsonObject(call)
  const results: { statusCode: number; result: unknown }[] = []
  for (const request of subrequests(batchRequests)) {
    if (haltOnError === true && results.some((result) => result.statusCode >= 400)) {
      const result = [{ errorCode: 'BATCH_PROCESSING_HALTED', message: 'Batch processing halted per request' }]
      results.push({ statusCode: 412, result })
      continue
    }
    const url = `/services/data/${String(request.url).replace(/^\/?(?:services\/data\/)?/, '')}`
    const answer = dispatch(org, subcall(call, request, url, request.richInput))
    results.push({ statusCode: answer.status, result: answer.json ?? null })
  }
  return json(200, { hasErrors: results.some((result) => result.statusCode >= 400), results })
}

function subrequests(value: unknown): Record<string, unknown>[] {
  const requests = Array.isArray(value) ? value.filter(isObject) : []
  if (requests.length === 0) throw new ApiError(400, 'INVALID_INPUT', 'At least one sub-request is needed')
  if (requests.length > MOST_SUBREQUESTS) {
    throw new ApiError(400, 'LIMIT_EXCEEDED', `No more than ${MOST_SUBREQUESTS} sub-requests are allowed`)
  }
  return requests
}

function subcall(call: ApiCall, request: Record<string, unknown>, url: string, body: unknown): Call {
  const [path = '', ...query] = url.split('?')
  return {
    ...call,
    method: typeof request.method === 'string' ? request.method.toUpperCase() : 'GET',
    path,
    query: formFields(query.join('?')),
    headers: isObject(request.httpHeaders) ? lowerCased(request.httpHeaders) : {},
    body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  }
}

function lowerCased(headers: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
}
