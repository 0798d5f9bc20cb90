import type { FastifyInstance } from 'fastify'
import { ProxyError } from '../../errors.ts'

export interface AdjustableLevel {
  readonly current: string
  /** What a restart goes back to. */
  readonly configured: string
  /** False for what is no level. */
  set(level: string): boolean
}

/** `GET /log-level` tells it, `POST /log-level?level=debug` sets it. */
export function mountLogLevel(app: FastifyInstance, level: AdjustableLevel): void {
  const answer = () => ({ level: level.current, configured: level.configured })
  app.get('/log-level', (_request, reply) => reply.header('cache-control', 'no-store').send(answer()))
  app.post<{ Querystring: { level?: unknown } }>('/log-level', (request, reply) => {
    const { level: wanted } = request.query
    if (typeof wanted !== 'string' || !level.set(wanted)) {
      const detail = 'Say /log-level?level= and one of trace, debug, info, warn, error, fatal, silent.'
      throw new ProxyError('PROXY_REQUEST_INVALID', { detail })
    }
    return reply.send(answer())
  })
}
