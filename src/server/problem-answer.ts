import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProxyError, proxyStatus } from '../errors.ts'
import { withoutTokens } from '../redaction.ts'
import { problemBody } from './problem-body.ts'
import { toProxyError } from './refusal.ts'
import { tooLong } from './request-target.ts'

/** Answers with an error of the proxy's own: the body of the API's family, and a Proxy-Status field that says who spoke. */
export function sendProblem(reply: FastifyReply, problem: ProxyError, policyPath: string): FastifyReply {
  const { method, headers } = reply.request
  // The sentences are ours, but some repeat what a caller, a login host or a library said.
  const message = withoutTokens(problem.message)
  const { contentType, body } = problemBody({ method, policyPath, headers }, problem.code, message)
  reply
    .code(problem.statusCode)
    .header('content-type', contentType)
    .header('cache-control', 'no-store')
    .header('proxy-status', proxyStatus({ type: problem.type, details: problem.code }))
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds))
  if (problem.endsConnection) reply.header('connection', 'close')
  return reply.send(body)
}

/** The error for a target that the router cannot decode: its length is the first thing to be said of it. */
export function routerProblem(error: Error, { raw }: FastifyRequest): ProxyError {
  const refusal = tooLong(raw.url ?? '')
  return refusal === undefined ? new ProxyError('PROXY_REQUEST_INVALID', { cause: error }) : toProxyError(refusal)
}

/** What was thrown on the way of a request, as an entry of the error table. Client faults keep their meaning, anything else is our own. */
export function toProblem(error: unknown, onException: (error: unknown) => void): ProxyError {
  if (error instanceof ProxyError) return error
  if (isClientFault(error)) return new ProxyError('PROXY_REQUEST_INVALID', { cause: error })
  onException(error)
  return new ProxyError('PROXY_INTERNAL_ERROR', { cause: error })
}

/** Fastify and http-proxy throw errors with a 4xx statusCode for requests that they take for malformed. */
function isClientFault(error: unknown): boolean {
  if (!(error instanceof Error) || !('statusCode' in error)) return false
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500
}
