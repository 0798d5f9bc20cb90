import type { ServerOptions } from 'node:http'
import type { Readable } from 'node:stream'
import { Dispatcher } from 'undici'
import { Writable } from 'node:stream'
import { parseCallerKeys } from '../../src/config.ts'
import { systemClock } from '../../src/clock.ts'
import { createLogger } from '../../src/logger.ts'
import { logAccess } from '../../src/server/access-log.ts'
import { ConnectionLimit } from '../../src/server/connection-limit.ts'
import { rejectedExchange } from '../../src/server/exchange.ts'
import { digestKeys } from '../../src/server/caller-key.ts'
import { createGuard, type GuardOptions } from '../../src/server/guard.ts'
import { listenerLimits, type ListenerLimits } from '../../src/server/listener-limits.ts'
import { listen } from '../../src/server/listeners.ts'
import type { Login } from '../../src/server/login/login.ts'
import { createProxyServer } from '../../src/server/server.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

export interface Passed {
  method: string
  url: string
  headers: readonly string[]
  body: string
}

/** Keys as PROXY_API_KEY gives them. */
export function callerKeys(setting: string): NonNullable<GuardOptions['callerKeys']> {
  const parsed = parseCallerKeys(setting)
  if ('problem' in parsed) throw new Error(parsed.problem)
  const keys = digestKeys(parsed.keys)
  return () => keys
}

export const OPEN: GuardOptions = {
  allowedHosts: [],
  allowedOrigins: [],
  callerKeys: undefined,
  allowedPaths: [],
  deniedPaths: [],
  isReadOnly: false,
  compositeLimitBytes: 1_000,
  bodyMemory: BodyMemory.forLimit(1_000),
}

interface GuardedOptions extends GuardOptions {
  /** In the place of the stand-in for the way upstream. */
  readonly dispatcher: Dispatcher
  readonly login: Login
  readonly captureBodies: boolean
  readonly onStreamed: (bytes: number) => void
  readonly upstreamOrigin: () => string
  /** Called as an exchange is over, before it is logged. */
  readonly onEnded: () => void
}

/** The proxy's own server and listener, with a stand-in for the way upstream. `passed` is what reached it, body and all. */
export async function startGuarded(
  options: Partial<GuardedOptions> = {},
  http: ServerOptions = {},
  { maxConnections = 50, ...further }: Partial<ListenerLimits> & { maxConnections?: number } = {},
) {
  const passed: Passed[] = []
  let logged = ''
  let inFlight = 0
  let exceptions = 0
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString()
      done()
    },
  })
  const logger = createLogger({ level: 'trace', destination })
  const connections = new ConnectionLimit({
    limit: maxConnections,
    reserve: 0,
    clock: systemClock,
    onReport: () => undefined,
  })
  const server = await createProxyServer({
    logger,
    isRefused: (socket) => connections.isRefused(socket),
    clock: systemClock,
    waiting: () => 0,
    halfClosedMs: 90_000,
    uploadSilenceMs: 30_000,
    onStreamed: options.onStreamed ?? (() => undefined),
    observer: {
      begun: () => {
        inFlight += 1
      },
      exception: () => {
        exceptions += 1
      },
      ended: (exchange) => {
        inFlight -= 1
        options.onEnded?.()
        logAccess(logger, exchange)
      },
    },
    captureBodies: options.captureBodies ?? false,
    version: '0.0.0-test',
    dispatcher: options.dispatcher ?? new RecordingDispatcher(passed),
    login: options.login,
    upstreamOrigin: options.upstreamOrigin ?? (() => 'https://upstream.invalid'),
    rewritesAddresses: false,
    bodyMemory: options.bodyMemory ?? OPEN.bodyMemory,
    guard: createGuard({ ...OPEN, ...options }),
  })
  const limits = listenerLimits([30_000])
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    limits: { ...limits, http: { ...limits.http, ...http }, ...further },
    handle: server.handle,
    connections,
    otherScheme: () => 'use http://.',
    onRejected: (rejected) => {
      logAccess(logger, rejectedExchange(rejected))
    },
  })
  return {
    port: listener.port,
    passed,
    /** Requests that are not over. */
    inFlight: () => inFlight,
    /** What the boundary has counted. */
    exceptions: () => exceptions,
    /** One object a log line. */
    lines: () =>
      logged
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>), // pino writes objects
    async [Symbol.asyncDispose]() {
      listener.cut()
      await Promise.all([listener.close(), server.close()])
    },
  }
}

/** In the place of the pool: reads the body, notes the request, answers 200. */
class RecordingDispatcher extends Dispatcher {
  readonly #passed: Passed[]

  constructor(passed: Passed[]) {
    super()
    this.#passed = passed
  }

  override dispatch(
    { method, path, headers, body }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    // The forwarder gives a flat array, and a Readable or null.
    void this.#answer({ method, url: path, headers: headers as string[], body: '' }, body as Readable | null, handler)
    return true
  }

  async #answer(request: Passed, body: Readable | null, handler: Dispatcher.DispatchHandler): Promise<void> {
    const controller = new StubController((reason) => handler.onResponseError?.(controller, reason))
    handler.onRequestStart?.(controller, { sessionReplaced: false })
    try {
      // A request body's chunks are Buffers.
      // Some callers' bodies are never read by an upstream.
      if (!request.url.endsWith('/unread'))
        for await (const chunk of body ?? []) request.body += (chunk as Buffer).toString('latin1')
    } catch (error) {
      if (controller.aborted) return
      handler.onResponseError?.(controller, error as Error) // streams fail with errors
      return
    }
    this.#passed.push(request)
    handler.onResponseStart?.(controller, 200, {}, 'OK')
    handler.onResponseData?.(controller, Buffer.from('ok'))
    handler.onResponseEnd?.(controller, {})
  }
}

class StubController implements Dispatcher.DispatchController {
  aborted = false
  readonly #onAbort: (reason: Error) => void
  readonly paused = false
  readonly reason = null
  readonly rawHeaders = [
    'Content-Length',
    '2',
    'Vary',
    'Accept-Encoding',
    'Access-Control-Allow-Credentials',
    'true',
  ].map((text) => Buffer.from(text))
  readonly rawTrailers = []
  constructor(onAbort: (reason: Error) => void) {
    this.#onAbort = onAbort
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.#onAbort(reason)
  }
  pause(): void {
    // Nothing to hold back.
  }
  resume(): void {
    // Nothing held back.
  }
}
