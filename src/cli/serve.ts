import process from 'node:process'
import { startApp, type App, type AppDependencies } from '../app.ts'
import { systemClock } from '../clock.ts'
import { environmentWarnings, loadSettings, secretsOf, type Settings } from '../config.ts'
import { createLogger, isPretty, lineRenderer, type Logger } from '../logger.ts'
import { caOf } from './ca-file.ts'
import type { Cli, ExitCode } from './cli.ts'
import { explainListenError } from './listen-error.ts'
import { openFileLimit } from './open-files.ts'
import { serviceManager } from './service-manager.ts'
import { serviceStatus } from './service-status.ts'
import { sharedStateDirectory, stateDirectory } from './state-directory.ts'
import { VERSION } from './version.ts'

/** What closing may take beyond the drain: sockets and files. */
const CLOSING_MS = 5000
/** Least time between two reports on the standard error that the log cannot be written. */
const COMPLAIN_EVERY_MS = 60_000
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'ENOSPC: no space left',
  EPIPE: 'EPIPE: its reader is gone',
  EAGAIN: 'its reader does not read on',
}

/** Runs the proxy until it is stopped. */
export async function serve(cli: Cli): Promise<ExitCode> {
  const settings = loadSettings(cli)
  const logging = await loggerFor(settings, cli)
  const { logger } = logging
  for (const warning of environmentWarnings(cli.env)) logger.warn({ warning }, 'perhaps a misspelt setting')
  const manager = serviceManager({
    env: cli.env,
    pid: process.pid,
    clock: systemClock,
    onTrouble: (error) => {
      logger.warn({ error }, 'the service manager (NOTIFY_SOCKET) hears nothing: is systemd-notify installed?')
    },
  })
  const app = await startOrExplain({
    settings,
    ...logging,
    cli,
    onTokenEvent: (event) => {
      const line = serviceStatus(event)
      if (line !== undefined) manager.status(line)
    },
    onStopping: (maxMs) => {
      manager.stopping(maxMs)
    },
    alsoClose: () => manager.close(),
  })
  if (app === undefined) return 1
  manager.ready()
  announce({ settings, logger, app, cli })
  return undefined
}

/** The logger that the settings ask for, and what it is to be told of secrets that come later. */
export async function loggerFor(settings: Settings, { isTTY, out }: Pick<Cli, 'isTTY' | 'out'>): Promise<Logging> {
  const { LOG_LEVEL: level, LOG_FORMAT: format } = settings
  const secrets = new Set(secretsOf(settings))
  const render = await lineRenderer({ format, isTTY })
  const logger = createLogger({ level, destination: { write: out }, render, secrets: () => secrets })
  reportDeprecated(settings, logger)
  return { logger, onSecret: (secret) => secrets.add(secret) }
}

/** WORKERS had one process start others. */
function reportDeprecated({ WORKERS: workers }: Settings, logger: Logger): void {
  if (workers === undefined) return
  if (workers === 1) logger.info({ setting: 'WORKERS' }, 'WORKERS has no effect any more: remove it')
  else {
    logger.warn(
      { setting: 'WORKERS', replacement: 'PROXY_REUSE_PORT' },
      'WORKERS is ignored, one process serves: start several instances with PROXY_REUSE_PORT=true instead',
    )
  }
}

interface Logging {
  readonly logger: Logger
  readonly onSecret: (secret: string) => void
}

interface StartOptions extends Logging {
  settings: Settings
  cli: Cli
  onTokenEvent?: NonNullable<AppDependencies['onTokenEvent']>
  /** The end begins, and may take so long. */
  onStopping?: (maxMs: number) => void
  /** Closed after the proxy. */
  alsoClose?: () => Promise<void>
}

/** The running proxy, which ends with the process; undefined, with one line on the standard error, where it could not start. */
export async function startOrExplain(options: StartOptions): Promise<App | undefined> {
  const { settings, logger, onSecret, cli, onTokenEvent, onStopping, alsoClose } = options
  reportLostLines(cli, logger)
  // Filled in once there is something to stop.
  const running: { stop?: () => void } = {}
  let app: App
  try {
    app = await startApp(settings, {
      logger,
      version: VERSION,
      stateDirectory: settings.PROXY_REUSE_PORT ? sharedStateDirectory(cli) : stateDirectory(cli),
      onSecret,
      ca: caOf(settings, cli),
      openFiles: openFileLimit(),
      logOutput: cli.output,
      ...(onTokenEvent && { onTokenEvent }),
      onQuit: () => {
        running.stop?.()
      },
    })
  } catch (error) {
    await alsoClose?.()
    const line = explainListenError(error, settings)
    if (line === undefined) throw error
    cli.err(`${line}\n`)
    return undefined
  }
  const timeoutMs = settings.DRAIN_DELAY_MS + settings.DRAIN_TIMEOUT_MS + CLOSING_MS
  running.stop = cli.onStop({
    timeoutMs,
    close: async ({ isCrash } = { isCrash: false }) => {
      const drainDelayMs = isCrash ? 0 : settings.DRAIN_DELAY_MS
      onStopping?.(timeoutMs)
      logger.info({ drainDelayMs, drainTimeoutMs: settings.DRAIN_TIMEOUT_MS }, 'stopping')
      const { drained } = await app.close(drainDelayMs)
      await alsoClose?.()
      logger.info({ drained }, drained ? 'stopped' : 'stopped with requests cut short')
      return drained
    },
    toggleDebug: () => {
      app.logLevel.toggleDebug()
    },
    reload: () => {
      logger.info('SIGHUP: reading files of credentials and certificates again, and asking for a token')
      void app.reload()
    },
    onCrash: (err) => {
      logger.fatal({ err }, 'crashed')
    },
  })
  return app
}

/** Reports a log that cannot be written: on the standard error at once, and in the log itself as soon as it can be written again. */
function reportLostLines({ output, err }: Pick<Cli, 'output' | 'err'>, logger: Logger): void {
  let reportedAt = -Infinity
  output.watch({
    onFailing(problem) {
      const now = systemClock.monotonic()
      if (now - reportedAt < COMPLAIN_EVERY_MS) return
      reportedAt = now
      const why = PROBLEMS[problem] ?? problem
      err(`cloudaware-proxy: the log cannot be written (${why}), so lines are lost; the proxy goes on serving.\n`)
    },
    onRecovered({ lines, problem }) {
      logger.warn({ lines, error: problem }, 'lines of the log were lost: it could not be written')
    },
  })
}

function announce({ settings, logger, app, cli }: { settings: Settings; logger: Logger; app: App; cli: Cli }): void {
  if (!logger.isLevelEnabled('info')) return
  const { url, adminUrl, tls } = app
  const { PROXY_SOCKET: socket } = settings
  const upstream = settings.CLOUDAWARE_API_URL ?? settings.CLOUDAWARE_URL
  if (!isPretty({ format: settings.LOG_FORMAT, isTTY: cli.isTTY })) {
    logger.info({ version: VERSION, url, adminUrl, upstream, ...(tls && { tls }), socket }, 'listening')
    return
  }
  cli.out(`
  cloudaware-proxy ${VERSION}

  Proxy     ${url}${tls ? secureLines(tls) : ''}${socket === undefined ? '' : `\n  Socket    ${socket}`}
  Upstream  ${upstream}
  Admin     ${adminUrl === undefined ? 'off' : `${adminUrl}/ (a page for your browser)`}

  Point your tool at ${url} without a login. Ctrl-C stops.

`)
}

function secureLines({ url, certificate, fingerprint }: NonNullable<App['tls']>): string {
  return `\n  https     ${url}\n            ${certificate}\n            SHA-256 ${fingerprint}`
}
