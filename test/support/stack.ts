import { Writable } from 'node:stream'
import type { Logger } from 'pino'
import { startApp, type App } from '../../src/app.ts'
import type { Clock } from '../../src/clock.ts'
import { loadSettings, type Settings } from '../../src/config.ts'
import { createLogger } from '../../src/logger.ts'
import type { TokenEvent } from '../../src/token/token-source.ts'

export interface RunningApp extends App, AsyncDisposable {
  readonly port: number
  readonly settings: Settings
  readonly tokenEvents: readonly TokenEvent[]
  /** Everything logged so far. */
  log(): string
  /** Resolves with the access line of this request, once it is written. */
  accessLine(requestId: string): Promise<Record<string, unknown>>
  /** Resolves once a line with this text has been logged. */
  logged(text: string): Promise<void>
  /** Resolves with the token event of this type, the first one or the `nth`, once it has happened. */
  tokenEvent(type: TokenEvent['type'], nth?: number): Promise<TokenEvent>
}

export interface StackOptions {
  /** Settings by their environment names, beside those that every test needs. */
  readonly env?: Record<string, string>
  readonly clock?: Clock
  readonly ca?: string
  readonly stateDirectory?: string
  readonly onSecret?: (secret: string) => void
  /** What the app gets in the place of its logger. */
  readonly wrapLogger?: (logger: Logger) => Logger
}

/** The proxy in front of `upstream`, on free ports, with its log kept. */
export async function startStack(
  upstream: { url: string; clientId?: string; clientSecret?: string },
  { env = {}, clock, ca, stateDirectory, onSecret, wrapLogger }: StackOptions = {},
): Promise<RunningApp> {
  const settings = loadSettings({
    argv: [],
    cwd: import.meta.dirname,
    env: {
      CLOUDAWARE_URL: upstream.url,
      CLOUDAWARE_CLIENT_ID: upstream.clientId ?? 'test-client-id',
      // A test that gives a file gives no value.
      ...(env.CLOUDAWARE_CLIENT_SECRET_FILE === undefined && {
        CLOUDAWARE_CLIENT_SECRET: upstream.clientSecret ?? 'test-client-secret',
      }),
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: '0',
      ADMIN_PORT: '0',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      DRAIN_TIMEOUT_MS: '5000',
      ...env,
    },
  })
  let logged = ''
  let lineNews = Promise.withResolvers<undefined>()
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString()
      lineNews.resolve(undefined)
      lineNews = Promise.withResolvers()
      done()
    },
  })
  const logger = createLogger({
    level: settings.LOG_LEVEL,

    destination,
    secrets: () => [],
  })
  const tokenEvents: TokenEvent[] = []
  let news = Promise.withResolvers<undefined>()
  const app = await startApp(settings, {
    logger: wrapLogger?.(logger) ?? logger,
    version: '0.0.0-test',
    // Only an https listener without a certificate writes there; its tests say where.
    stateDirectory: stateDirectory ?? '/nonexistent',
    ...(clock && { clock }),
    ...(onSecret && { onSecret }),
    ...(ca !== undefined && { ca }),
    onTokenEvent: (event) => {
      tokenEvents.push(event)
      news.resolve(undefined)
      news = Promise.withResolvers()
    },
  })
  return {
    ...app,
    port: Number(new URL(app.url).port),
    settings,
    tokenEvents,
    log: () => logged,
    async accessLine(requestId) {
      for (;;) {
        const found = logged.split('\n').find((line) => line.includes(requestId) && line.includes('"msg":"request"'))
        if (found !== undefined) return JSON.parse(found) as Record<string, unknown> // pino writes objects
        await lineNews.promise
      }
    },
    async logged(text) {
      while (!logged.includes(text)) await lineNews.promise
    },
    async tokenEvent(type, nth = 1) {
      for (;;) {
        const found = tokenEvents.filter((event) => event.type === type)[nth - 1]
        if (found) return found
        await news.promise
      }
    },
    async [Symbol.asyncDispose]() {
      await app.close()
    },
  }
}
