import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import { ProxyError, proxyStatus } from '../../errors.ts'
import type { Guard } from '../guard.ts'
import { RequestBoundary } from '../request-boundary.ts'
import { identityDocument } from './identity.ts'
import { IdentitySink } from './identity-sink.ts'
import type { LocalAnswer, LocalCall } from './local-call.ts'
import type { Login } from './login.ts'
import { idsInPath } from './org-ids.ts'

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly guard: Guard
  readonly login: Login | undefined
}

/** Answers a call in the upstream's place, on the address that the caller used. */
export async function answerLocally(call: LocalCall, exchange: Exchange): Promise<void> {
  const { request, guard, login } = exchange
  if (login === undefined) throw new Error('the guard passed on a login that nobody answers')
  request.isLogin = true
  // Nothing of it was forwarded.
  request.exchange = null
  await send(
    login.answer(call, originOf(request)).then((answer) => {
      guard.nameCaller(request, answer.caller)
      if (answer.problem !== undefined)
        request.problem ??= new ProxyError(answer.problem, { cause: { rule: 'local login' } })
      return answer
    }),
    exchange,
  )
}

/** The sink of an answer about the user: what the org refuses to tell is told as far as it is known. */
export function withIdentity(
  sink: Dispatcher.DispatchHandler,
  exchange: Exchange & { login: Login },
): Dispatcher.DispatchHandler {
  const { request, reply, guard, login } = exchange
  const boundary = RequestBoundary.of(reply.raw)
  const document = request.method === 'GET' ? identityDocument(guard.policyPathOf(request)) : undefined
  if (document === undefined) return sink
  // The user whom `userinfo` tells of is the session's own; an identity URL names one.
  let isOwn = document === 'userinfo'
  if (!isOwn) {
    const ids = idsInPath(request.url.split('?', 1)[0] ?? '')
    if (ids === undefined) return sink
    // Known before any answer of the org's is: that one waits for the token, too, and then for the network.
    boundary.run(() =>
      login.isOwn(ids).then((answer) => {
        isOwn = answer
      }),
    )
  }
  return new IdentitySink(sink, {
    isKnown: () => isOwn,
    onRefusal: () => {
      boundary.run(() => send(login.identity(document, originOf(request)), exchange))
    },
  })
}

function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`
}

async function send(answer: Promise<LocalAnswer>, { request, reply, guard }: Exchange): Promise<void> {
  try {
    const { status, contentType, body } = await answer
    if (reply.sent) return
    reply
      .code(status)
      .headers({
        'content-type': contentType,
        'cache-control': 'no-store',
        'proxy-status': proxyStatus({ details: 'answered by the proxy' }),
        ...guard.corsOf(request),
      })
      .send(body)
  } catch (error) {
    // A caller who left half-way: nobody is there to be answered, and nothing of ours failed.
    if (reply.raw.destroyed) reply.hijack()
    else if (!reply.sent) reply.send(error)
  }
}
