import Fastify, { LogController, type FastifyBaseLogger, type onRequestHookHandler } from 'fastify'
import { ProxyError } from '../../errors.ts'
import { toProxyError } from '../../upstream/gateway-error.ts'
import { NO_SCHEMAS } from '../no-schemas.ts'
import { routerProblem, sendProblem, toProblem } from '../problem-answer.ts'
import type { ProxyServer } from '../server.ts'
import { mountLogLevel, type AdjustableLevel } from './log-level-routes.ts'
import { mountPage } from './page-routes.ts'
import type { StatusPage } from './status-page.ts'

/** One answer to "how is it": a yes or no with its reason. */
export interface Health {
  readonly ok: boolean
  readonly reason: string
  /** What is wrong and what mends it, where something is. */
  readonly [detail: string]: unknown
}

export interface AdminOptions {
  readonly logger: FastifyBaseLogger
  /** Host and Origin rules, as on the proxy's own listener. */
  readonly guard: onRequestHookHandler
  readonly health: {
    readonly live: () => Health
    readonly ready: () => Health
    readonly startup: () => Health
  }
  /** Ready for JSON, without secrets. */
  readonly status: () => unknown
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<{ contentType: string; text: string }>
  /** Asks for a new token now; resolves when the attempt is over. */
  readonly refresh: () => Promise<void>
  readonly logLevel: AdjustableLevel
  readonly page: StatusPage
  /** Starts the orderly end, as SIGTERM does; undefined where that is not allowed. */
  readonly quit: (() => void) | undefined
}

export interface AdminServer extends ProxyServer {
  /** Tells every open page that the proxy ends. */
  endStreams(): void
}

/** The second listener's routes: health for probes, status for people. It never touches the proxied path space. */
export async function createAdminServer(options: AdminOptions): Promise<AdminServer> {
  const { logger, guard, health, status, metrics, refresh, logLevel, page, quit } = options
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
    // Fastify's own answer would repeat the target.
    frameworkErrors: (error, request, reply) => {
      void sendProblem(reply, routerProblem(error, request), '')
    },
  })
  // A body has no meaning here, whatever its type: `curl -d ''` is as good as `-X POST`.
  app.addHttpMethod('POST', { hasBody: false, overrideExisting: true })
  app.addHook('onRequest', guard)
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, (exception) => {
      logger.error({ err: exception, reqId: request.id }, 'an exception while a request was served')
    })
    return sendProblem(reply, problem, request.url)
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({
      error: 'not found',
      paths: ['/', '/livez', '/readyz', '/startupz', '/metrics', '/status', '/log-level', 'POST /refresh'],
    }),
  )
  const probes = { '/livez': health.live, '/readyz': health.ready, '/startupz': health.startup }
  for (const [url, probe] of Object.entries(probes)) {
    app.get(url, (_request, reply) => {
      const answer = probe()
      return reply
        .code(answer.ok ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(answer)
    })
  }
  app.get('/status', (_request, reply) => reply.header('cache-control', 'no-store').send(status()))
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics()
    return reply.header('cache-control', 'no-store').type(contentType).send(text)
  })
  app.post('/refresh', async (_request, reply) => {
    await refresh().catch((error: unknown) => {
      throw toProxyError(error)
    })
    return reply.send(status())
  })
  app.post('/quitquitquit', (_request, reply) => {
    if (!quit) throw new ProxyError('PROXY_METHOD_REFUSED', { detail: 'Set ADMIN_ALLOW_QUIT=true to allow it.' })
    quit()
    return reply.send({ ok: true, reason: 'draining' })
  })
  mountLogLevel(app, logLevel)
  const endStreams = mountPage(app, page)
  await app.ready()
  return {
    endStreams,
    handle: (request, response) => {
      app.routing(request, response)
    },
    close: () => app.close(),
  }
}
