import { once } from 'node:events'
import { Readable } from 'node:stream'
import fastify from 'fastify'
import type { FastifyReply } from 'fastify'
import { errorBody, ProxyError } from '../../src/errors.ts'
import { createConnectionGuard } from '../../src/server/connection-guard.ts'
import { createGuard } from '../../src/server/guard.ts'
import type { GuardOptions } from '../../src/server/guard.ts'
import { listenerLimits } from '../../src/server/listener-limits.ts'
import { parseTarget } from '../../src/server/request-target.ts'

export interface Passed {
  method: string
  url: string
  caller: string | undefined
  headers: Readonly<Record<string, unknown>>
  body: string
}

export const OPEN: GuardOptions = {
  allowedHosts: [],
  allowedOrigins: [],
  apiKey: undefined,
  allowedPaths: [],
  deniedPaths: [],
  isReadOnly: false,
  compositeLimitBytes: 1_000,
}

// Fastify's own answer to a target that its router cannot decode: no hook runs before it.
function answerBadUrl(_error: unknown, _request: unknown, reply: FastifyReply): void {
  void reply.code(400).send('bad target')
}

/** A real listener behind the guard. `passed` is what reached the place of the upstream, body and all. */
export async function startGuarded(options: Partial<GuardOptions> = {}, limits: { headersTimeout?: number } = {}) {
  const { http, keepAliveTimeout, requestTimeout, connectionTimeout } = listenerLimits(30_000)
  const guard = createGuard({ ...OPEN, ...options })
  const connections = createConnectionGuard()
  const passed: Passed[] = []
  const rules: unknown[] = []
  const app = fastify({
    keepAliveTimeout,
    requestTimeout,
    connectionTimeout,
    http: { ...http, ...limits, ...(limits.headersTimeout === undefined ? {} : { connectionsCheckingInterval: 20 }) },
    clientErrorHandler: connections.answerClientError,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    frameworkErrors: answerBadUrl,
    rewriteUrl: ({ url = '' }) => {
      const target = parseTarget(url)
      return 'problem' in target ? url : target.path + target.search
    },
  })
  connections.refuseUpgrades(app.server)
  app.addHook('onRequest', guard.onRequest)
  app.addHook('preParsing', guard.preParsing)
  app.addHook('onSend', guard.onSend)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    done(null, payload)
  })
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof ProxyError)) throw error
    rules.push((error.cause as { rule?: string } | undefined)?.rule) // toProxyError puts it there
    return reply.code(error.statusCode).type('application/json').send(errorBody(error.code, error.message))
  })
  app.route({
    method: app.supportedMethods,
    url: '/*',
    handler: async (request, reply) => {
      const chunks: Buffer[] = []
      if (request.body instanceof Readable) {
        for await (const chunk of request.body as AsyncIterable<Buffer>) chunks.push(chunk) // a body without encoding
      }
      passed.push({
        method: request.method,
        url: request.raw.url ?? '',
        caller: guard.callerOf(request),
        headers: request.headers,
        body: Buffer.concat(chunks).toString('latin1'),
      })
      return reply.headers({ vary: 'Accept-Encoding', 'access-control-allow-credentials': 'true' }).send('ok')
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    app,
    server: app.server,
    passed,
    rules,
    async [Symbol.asyncDispose]() {
      await app.close()
      if (app.server.listening) await once(app.server, 'close')
    },
  }
}
