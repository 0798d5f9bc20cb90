import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance } from 'fastify'
import { METHODS } from '../node-http.ts'
import { BodyPace } from './body-pace.ts'
import { Forwarding, type Way } from './forwarding.ts'
import { HalfClosedRequests } from './half-closed-requests.ts'
import { UnreadAnswers } from './unread-answers.ts'

export interface ProxyOptions extends Omit<Way, 'bodyPace' | 'unread' | 'halfClosed'> {
  /** PROXY_UPLOAD_SILENCE_MS. */
  readonly uploadSilenceMs: number
  /** How many requests wait for a connection to Cloudaware. */
  readonly waiting: () => number
  /** UPSTREAM_HALF_CLOSED_MS. */
  readonly halfClosedMs: number
}

/**
 * The last request, for nothing but that it is there: in a quiet moment V8 collects thoroughly, and with the last object of a shape it drops all
 * code that was compiled for it. What came after such a moment cost up to twice as much for some seconds. One request has one of each.
 */
interface Kept {
  last: Forwarding | undefined
}

/** CONNECT never reaches a router; TRACE would echo the injected session to the caller, and is refused by the guard. */
const FORWARDED_METHODS = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')

/**
 * Mounts @fastify/http-proxy over the whole path space, with our own forwarder in its `preHandler` seam. reply-from is thereby out of
 * the way of a request, and with it: TLS without verification, a 503 asked eleven times, Retry-After read as milliseconds,
 * ECONNREFUSED as 500, and upstream calls that outlive their caller.
 */
export async function mountProxy(app: FastifyInstance, options: ProxyOptions): Promise<void> {
  // Bodiless to Fastify means that nobody parses, limits or refuses a body: it streams on, whatever its type.
  for (const method of FORWARDED_METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.decorateRequest('exchange', null)
  app.decorateRequest('problem', null)
  app.decorateRequest('isLogin', false)
  app.decorateRequest('admission', undefined)
  const bodyPace = new BodyPace({ clock: options.clock, silenceMs: options.uploadSilenceMs })
  const unread = new UnreadAnswers(options)
  const halfClosed = new HalfClosedRequests(options)
  app.addHook('onClose', () => {
    bodyPace.close()
    unread.close()
    halfClosed.close()
  })
  const way: Way = { ...options, bodyPace, unread, halfClosed }
  const kept: Kept = { last: undefined }
  await app.register(httpProxy, {
    upstream: options.upstreamOrigin(),
    // Any object with `request` keeps reply-from from building an Agent of its own, one that verifies no certificate.
    undici: options.dispatcher as never, // typed by the plugin's own undici 7
    httpMethods: FORWARDED_METHODS,
    proxyPayloads: false,
    // Before the plugin's own handler, which would parse three URLs to find the target that is known here. The hook never calls back:
    // the request does not come to that handler.
    preHandler: (request, reply) => {
      const forwarding = new Forwarding(request, reply, way)
      kept.last = forwarding
      forwarding.begin()
    },
  })
}
