import { startApp, type App } from '../app.ts'
import { ConfigError, loadSettings, type Settings } from '../config.ts'
import { caOf } from './ca-file.ts'
import type { Cli, ExitCode } from './cli.ts'
import { inWords, parseDuration } from './duration.ts'
import { commandEnvironment } from './exec-environment.ts'
import { FirstTokenWait, type TokenFailure } from './first-token.ts'
import { diagnosisRows, rowText } from './layout.ts'
import { explainListenError } from './listen-error.ts'
import { openFileLimit } from './open-files.ts'
import { takeFlags } from './own-flags.ts'
import { loggerFor } from './serve.ts'
import { stateDirectory } from './state-directory.ts'
import { VERSION } from './version.ts'

/** As with env, nice and timeout: the command was not even tried. */
const NOT_STARTED = 125

/** Runs a command with a proxy of its own, which ends with it. Exit codes: the command's own, 125 where it was not started. */
export async function exec(cli: Cli): Promise<ExitCode> {
  const { command, maxMs, settings } = readArguments(cli)
  const firstToken = new FirstTokenWait(maxMs)
  const child: { program?: ReturnType<Cli['start']> } = {}
  const letGo = cli.onSignal((signal, { code, isSeenByAll }) => {
    firstToken.stop(code)
    // The terminal sends Ctrl-C to everybody who runs in it, the command too: twice would be impatience.
    if (!isSeenByAll) child.program?.signal(signal)
  })
  let app: App | undefined
  try {
    const running = await startOwnProxy(cli, settings, firstToken)
    if (running === undefined) return NOT_STARTED
    app = running.app
    const outcome = await firstToken.outcome
    if (outcome.is === 'stopped') return outcome.code
    if (outcome.is === 'failed') return notReady(cli, outcome.failure, maxMs)
    running.speakUp()
    const [name = '', ...args] = command
    child.program = cli.start({ command: name, args, env: commandEnvironment(cli.env, app.url), cwd: cli.cwd })
    const { code, problem } = await child.program.ended
    if (problem !== undefined) cli.err(`cloudaware-proxy exec: the command cannot be run (${problem}).\n`)
    return code
  } finally {
    firstToken.stop(NOT_STARTED)
    await app?.close()
    letGo()
  }
}

/** Listeners and processes of the standing proxy, which may run beside this one. */
const ITS_OWN = [
  'PROXY_HOST',
  'PROXY_PORT',
  'PROXY_REUSE_PORT',
  'WORKERS',
  'PROXY_SOCKET',
  'PROXY_TLS_PORT',
  'PROXY_TLS_CERT_FILE',
  'PROXY_TLS_KEY_FILE',
  'ADMIN_HOST',
  'ADMIN_PORT',
] as const

function readArguments(cli: Cli): { command: readonly string[]; maxMs: number; settings: Settings } {
  const at = cli.argv.indexOf('--')
  const command = at < 0 ? [] : cli.argv.slice(at + 1)
  const { own, rest } = takeFlags(at < 0 ? cli.argv : cli.argv.slice(0, at), { max: 'value' })
  const maxMs = parseDuration(own.get('max') ?? '30s')
  const problems = [
    ...(command.length > 0 ? [] : ['exec needs a command, after --: cloudaware-proxy exec -- sf data query …']),
    ...(maxMs === undefined ? ['--max must be a duration such as 500ms, 30s or 2m.'] : []),
  ]
  if (maxMs === undefined || problems.length > 0) throw new ConfigError(problems)
  const { LOG_LEVEL: level = '' } = cli.env
  // Where a flag is given twice the later one counts, so these are defaults. With the command gone nobody waits for an answer.
  const defaults = ['--proxy-port=0', '--admin-port=off', '--drain-delay-ms=0', '--drain-timeout-ms=0']
  const argv = [...defaults, `--log-level=${level === '' ? 'warn' : level}`, ...rest]
  return { command, maxMs, settings: loadSettings({ ...cli, argv, byFlagOnly: ITS_OWN }) }
}

/** `speakUp` ends the silence in which the first token is waited for: what keeps it away is told once, at the end. */
async function startOwnProxy(
  cli: Cli,
  settings: Settings,
  firstToken: FirstTokenWait,
): Promise<{ app: App; speakUp: () => void } | undefined> {
  const { logger, onSecret } = await loggerFor(settings, { isTTY: cli.errIsTTY, out: cli.err })
  const { level } = logger
  if (level === 'warn') logger.level = 'silent'
  try {
    const app = await startApp(settings, {
      logger,
      version: VERSION,
      stateDirectory: stateDirectory(cli),
      ca: caOf(settings, cli),
      onSecret,
      openFiles: openFileLimit(),
      onTokenEvent: (event) => {
        firstToken.tell(event)
      },
    })
    return { app, speakUp: () => (logger.level = level) }
  } catch (error) {
    const line = explainListenError(error, settings)
    if (line === undefined) throw error
    cli.err(`${line}\n`)
    return undefined
  }
}

function notReady(cli: Cli, failure: TokenFailure | undefined, maxMs: number): number {
  const reason = failure?.diagnosis.summary ?? `There was no answer to the token request in ${inWords(maxMs / 1000)}.`
  cli.err(`cloudaware-proxy exec: no token, so the command was not started. ${reason}\n`)
  if (failure !== undefined) {
    const { error, description, diagnosis } = failure
    const answered = { label: 'Answered', text: description === '' ? error : `${error}: ${description}` }
    const rows = [answered, ...diagnosisRows(diagnosis)]
    cli.err(rows.map((row) => rowText(row, { indent: 2, labelWidth: 19 })).join(''))
  }
  return NOT_STARTED
}
