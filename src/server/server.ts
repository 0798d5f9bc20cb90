import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { ProxyError } from '../errors.ts'
import { logAccess } from './access-log.ts'
import { sendProblem, toProblem } from './problem-answer.ts'
import { mountProxy, type ProxyOptions } from './proxy.ts'
import { collapseSlashes } from './request-target.ts'

export interface ServerOptions extends ProxyOptions {
  readonly logger: Logger
}

export interface ProxyServer {
  /** Answers a request of any listener. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

/** The Fastify instance that every listener hands its requests to: guard, then proxy; it listens on nothing by itself. */
export async function createProxyServer(options: ServerOptions): Promise<ProxyServer> {
  const { logger, guard } = options
  // Under Fastify's own type, or every instance would carry pino's.
  const fastifyLogger: FastifyBaseLogger = logger
  const app: FastifyInstance = Fastify({
    loggerInstance: fastifyLogger,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    requestIdHeader: false,
    // Listeners are closed first; what is still under way then is not to be turned away.
    return503OnClosing: false,
    // The Salesforce CLI and Data Loader send //services/…, which http-proxy would refuse.
    rewriteUrl: (request) => collapseSlashes(request.url ?? '/'),
    // The router's own complaints, such as a malformed escape in the path, come before any hook.
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, new ProxyError('PROXY_REQUEST_INVALID', { cause: error }))
    },
  })
  app.addHook('onRequest', (request, reply, done) => {
    guard.onRequest(request, reply, done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    logAccess(logger, request, { reply, caller: guard.callerOf(request) })
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.log)
    request.problem = problem
    if (problem.statusCode >= 500) logger.warn({ err: problem, reqId: request.id }, 'request failed')
    return sendProblem(reply.headers(guard.corsOf(request) ?? {}), problem)
  })
  // Every path has a route: what finds none is a method that is not forwarded.
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new ProxyError('PROXY_METHOD_REFUSED')))
  await mountProxy(app, options)
  await app.ready()
  return {
    handle: (request, response) => {
      app.routing(request, response)
    },
    close: () => app.close(),
  }
}
