import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { ProxyError, proxyStatus } from '../errors.ts'
import { crash, SharedStateError } from '../shared-state.ts'
import { problemBody } from './problem-body.ts'

export interface BoundaryOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly log: Logger
  /** Counts an exception. */
  readonly onException: () => void
}

/**
 * The one way into our code for a request: Node's own call, listeners, undici's callbacks, timers, promises. What is thrown inside fails this
 * request, with 500 or by cutting its connection, is logged and counted; an exception out of shared state ends the process as well.
 */
export class RequestBoundary {
  /** Known once the request has one. */
  requestId: string | undefined
  /** Works on the request: `abort` ends that, and gives its connection and its reservation back. Not a closure, which outlived collections. */
  owner: { abort(problem: ProxyError): void } | undefined
  readonly #options: BoundaryOptions
  readonly #atEnd: (() => void)[] = []
  #hasFailed = false

  constructor(options: BoundaryOptions) {
    this.#options = options
    const { response } = options
    place(response, this)
    response.on('close', () => {
      // Each of them, whatever became of the others.
      for (const work of this.#atEnd) this.run(work)
      // What Node keeps of a connection's last response would keep all of its request.
      this.#atEnd.length = 0
      this.owner = undefined
    })
  }

  static of(response: ServerResponse): RequestBoundary {
    const boundary = (response as Bounded)[BOUNDARY] // placed by the constructor
    if (boundary === undefined) throw new Error('the request did not come in through a boundary')
    return boundary
  }

  run(work: () => unknown): void {
    try {
      const result = work()
      if (result instanceof Promise) {
        result.catch((error: unknown) => {
          this.fail(error)
        })
      }
    } catch (error) {
      this.fail(error)
    }
  }

  /** Runs when the exchange is over, however it ends. */
  atEnd(work: () => void): void {
    this.#atEnd.push(work)
  }

  fail(error: unknown): void {
    this.report(error)
    if (!this.#hasFailed) {
      this.#hasFailed = true
      this.#end(error)
    }
    const { response } = this.#options
    if (response.headersSent && !response.writableEnded) response.destroy()
  }

  /** For an exception that somebody else answers. */
  report(error: unknown): void {
    const { log, onException } = this.#options
    log.error({ err: error, reqId: this.requestId }, 'an exception while a request was served')
    onException()
    if (isOfSharedState(error)) crash(error)
  }

  #end(error: unknown): void {
    const { request, response } = this.#options
    const problem = new ProxyError('PROXY_INTERNAL_ERROR', { cause: error })
    try {
      this.owner?.abort(problem)
    } catch (another) {
      this.report(another)
    }
    // Nobody was there to answer, or could.
    if (response.headersSent || response.destroyed) return
    const { method = '', url = '/', headers } = request
    const { contentType, body } = problemBody({ method, policyPath: url, headers }, problem.code, problem.message)
    response.writeHead(problem.statusCode, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'proxy-status': proxyStatus({ type: problem.type, details: problem.code }),
      connection: 'close',
      ...(this.requestId !== undefined && { 'x-request-id': this.requestId }),
    })
    response.end(body)
  }
}

const BOUNDARY = Symbol('boundary')
type Bounded = ServerResponse & { [BOUNDARY]?: RequestBoundary }

function place(response: ServerResponse, boundary: RequestBoundary): void {
  const bounded: Bounded = response
  bounded[BOUNDARY] = boundary
}

function isOfSharedState(error: unknown): boolean {
  return error instanceof SharedStateError || (error instanceof Error && isOfSharedState(error.cause))
}
