import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { ProxyError } from '../errors.ts'
import { watchExchange, type ExchangeObserver } from './exchange.ts'
import { NO_SCHEMAS } from './no-schemas.ts'
import { routerProblem, sendProblem, toProblem } from './problem-answer.ts'
import { mountProxy, type ProxyOptions } from './proxy.ts'
import { RequestBoundary } from './request-boundary.ts'
import { requestIdOf } from './request-id.ts'
import { collapseSlashes } from './request-target.ts'

export interface ServerOptions extends ProxyOptions {
  readonly logger: Logger
  readonly observer: ExchangeObserver
  /** Whether the connection of a request is beyond the limit. */
  readonly isRefused: (socket: Socket) => boolean
}

export interface ProxyServer {
  /** Answers a request of any listener. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

/** The Fastify instance that every listener hands its requests to: guard, then proxy; it listens on nothing by itself. */
export async function createProxyServer(options: ServerOptions): Promise<ProxyServer> {
  const { logger, guard, observer, clock } = options
  const now = () => clock.monotonic()
  const onException = () => {
    observer.exception()
  }
  const watch = (request: FastifyRequest, reply: FastifyReply) => {
    RequestBoundary.of(reply.raw).requestId = request.id
    watchExchange({ request, reply, observer, now, guard })
    reply.header('x-request-id', request.id)
  }
  const answer = (reply: FastifyReply, problem: ProxyError) => {
    reply.request.problem = problem
    // A body that nobody reads holds up its connection, which then does not show that the caller has left either.
    reply.request.raw.resume()
    return sendProblem(reply, problem, guard.policyPathOf(reply.request))
  }
  const app: FastifyInstance = Fastify({
    // It would watch the end of each request, and has nothing to tell of one that is not told here.
    logger: false,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    schemaController: NO_SCHEMAS,
    requestIdHeader: false,
    genReqId: requestIdOf,
    // Listeners are closed first; what is still under way then is not to be turned away.
    return503OnClosing: false,
    // Nobody here reads a parsed query: it goes on as it is.
    routerOptions: { querystringParser: () => ({}) },
    // The Salesforce CLI and Data Loader send //services/…, which http-proxy would refuse.
    rewriteUrl: (request) => collapseSlashes(request.url ?? '/'),
    // The router's own complaints, such as a malformed escape in the path, come before any hook.
    frameworkErrors: (error, request, reply) => {
      watch(request, reply)
      void answer(reply, routerProblem(error, request))
    },
  })
  app.addHook('onRequest', (request, reply, done) => {
    watch(request, reply)
    if (options.isRefused(request.raw.socket)) done(new ProxyError('PROXY_CONNECTIONS_FULL'))
    else guard.onRequest(request, reply, done)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, (exception) => {
      RequestBoundary.of(reply.raw).report(exception)
    })
    // Why there is no token is reported once, by the keeper: the same with a stack for each caller would bury it. So is an exception.
    const isTold = QUIET.has(problem.code)
    if (!problem.isRefusal) logger[isTold ? 'debug' : 'warn']({ err: problem, reqId: request.id }, 'request failed')
    return answer(reply.headers(guard.corsOf(request) ?? {}), problem)
  })
  // Every path has a route: what finds none is a method that is not forwarded.
  app.setNotFoundHandler((_request, reply) => answer(reply, new ProxyError('PROXY_METHOD_REFUSED')))
  await mountProxy(app, options)
  await app.ready()
  return {
    handle: (request, response) => {
      const boundary = new RequestBoundary({ request, response, log: logger, onException })
      boundary.run(() => {
        app.routing(request, response)
      })
    },
    close: () => app.close(),
  }
}

/** Logged elsewhere, once. */
const QUIET: ReadonlySet<string> = new Set([
  'PROXY_TOKEN_UNAVAILABLE',
  'PROXY_INTERNAL_ERROR',
  'PROXY_CONNECTIONS_FULL',
])
