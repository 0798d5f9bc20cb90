import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

interface AccessFacts {
  readonly reply: FastifyReply
  /** The name of the key that the caller presented. */
  readonly caller: string | undefined
}

/** One line a request. The query is left out: SOQL carries customer data. */
export function logAccess(logger: Logger, request: FastifyRequest, { reply, caller }: AccessFacts): void {
  if (!logger.isLevelEnabled('info')) return
  const { exchange, problem } = request
  const [path] = request.url.split('?', 1)
  logger.info(
    {
      reqId: request.id,
      method: request.method,
      path,
      status: reply.raw.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      ...(exchange && { family: exchange.family, bytes: exchange.bytesToCaller }),
      ...(caller !== undefined && { caller }),
      ...(exchange?.sessionReplaced === true && { sessionReplaced: true }),
      ...(problem && { error: problem.code, ...ruleOf(problem.cause) }),
      ...(!reply.raw.writableFinished && { brokenOff: true }),
    },
    'request',
  )
}

/** A refusal carries the rule that made it. */
function ruleOf(cause: unknown): { rule?: unknown } {
  return typeof cause === 'object' && cause !== null && 'rule' in cause ? { rule: cause.rule } : {}
}
