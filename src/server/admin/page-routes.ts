import type { FastifyInstance, FastifyReply } from 'fastify'
import { EventStreams, MAX_STREAMS } from './event-stream.ts'
import type { StatusPage } from './status-page.ts'

/** The header that a page of another origin could only send after a preflight, which nobody here permits. */
const WISH_HEADER = 'x-cloudaware-proxy-page'

/** Nothing but the page's own files, no markup from strings, in no frame. */
const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** The status page: its files, its live data, and what it may ask for. Returns how its streams are ended. */
export function mountPage(app: FastifyInstance, page: StatusPage): () => void {
  const streams = new EventStreams()
  const sendFile = async (reply: FastifyReply, name: string) => {
    const file = await page.file(name)
    if (!file) {
      reply.callNotFound()
      return reply
    }
    return reply.headers(PAGE_HEADERS).type(file.type).send(file.bytes)
  }
  app.get('/', (_request, reply) => sendFile(reply, 'index.html'))
  app.get<{ Params: { name: string } }>('/page/:name', (request, reply) => sendFile(reply, request.params.name))

  app.get('/events', { exposeHeadRoute: false }, (request, reply) => {
    if (streams.isFull) {
      refuse(reply, 503, `${MAX_STREAMS} pages are open already: close one.`)
      return
    }
    reply.hijack()
    const leaving: { leave?: () => void } = {}
    const stream = streams.begin(reply.raw, PAGE_HEADERS, () => leaving.leave?.())
    leaving.leave = page.watch({
      closedBecause: page.closedTo(request.socket.remoteAddress),
      send: (update) => {
        stream.send(update)
      },
    })
  })
  app.register((scope, _options, done) => {
    mountExchanges(scope, page)
    done()
  })
  return () => {
    streams.close()
  }
}

/** What shows, exports and repeats exchanges: not for everybody. */
function mountExchanges(app: FastifyInstance, page: StatusPage): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(PAGE_HEADERS)
    const closed = page.closedTo(request.socket.remoteAddress)
    if (closed === undefined) done()
    else refuse(reply, 403, closed)
  })

  app.get<Numbered>('/exchanges/:n', (request, reply) => {
    const found = page.exchange(Number(request.params.n))
    return found ? reply.send(found) : gone(reply)
  })

  app.get<{ Querystring: { n?: string } }>('/exchanges.har', (request, reply) => {
    const { n } = request.query
    return reply
      .header('content-disposition', 'attachment; filename="cloudaware-proxy.har"')
      .type('application/json')
      .send(page.har(n === undefined ? undefined : n.split(',').map(Number)))
  })

  app.post<Numbered & { Querystring: { agreed?: string } }>('/exchanges/:n/replay', async (request, reply) => {
    if (request.headers[WISH_HEADER] === undefined) {
      return refuse(reply, 403, `Only the status page may ask for it, by the header ${WISH_HEADER}.`)
    }
    const leaving = new AbortController()
    const leave = () => {
      leaving.abort(new Error('the page was left'))
    }
    reply.raw.once('close', leave)
    // Browsers send FIN only when they close the page.
    request.raw.socket.once('end', leave)
    const key = request.headers['x-api-key']
    const outcome = await page.replay(Number(request.params.n), {
      isAgreed: request.query.agreed === 'true',
      apiKey: typeof key === 'string' ? key : undefined,
      signal: leaving.signal,
    })
    switch (outcome.kind) {
      case 'done':
        return reply.send({ ok: true, status: outcome.status, requestId: outcome.requestId })
      case 'ask':
        return refuse(reply, 409, 'It could change something: agree to it by ?agreed=true.')
      case 'impossible':
        return refuse(reply, 422, outcome.why)
      case 'gone':
        return gone(reply)
    }
  })
}

interface Numbered {
  Params: { n: string }
}

function refuse(reply: FastifyReply, status: number, reason: string): FastifyReply {
  return reply.code(status).send({ ok: false, reason })
}

function gone(reply: FastifyReply): FastifyReply {
  return refuse(reply, 404, 'It is no longer kept.')
}
