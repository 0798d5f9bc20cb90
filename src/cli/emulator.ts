import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ConfigError } from '../config-error.ts'
import { startEmulator, type EmulatorOptions } from '../emulator/emulator.ts'
import type { Cli, ExitCode } from './cli.ts'

/** How long the org may take to close: it drops what is under way. */
const CLOSING_MS = 5000

/** Runs the embedded org alone until it is stopped, and tells how to point a proxy at it. */
export async function emulator(cli: Cli): Promise<ExitCode> {
  const options = readOptions(cli.argv)
  const org = await startEmulator(options).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    cli.err(
      `--port: port ${options.port} on ${options.host} is already in use. Choose another, or 0 for any free one.\n`,
    )
  })
  if (org === undefined) return 1
  cli.onStop({
    timeoutMs: CLOSING_MS,
    close: async () => {
      await org.close()
      return true
    },
    onCrash: (error) => {
      cli.err(`${error instanceof Error ? String(error.stack) : String(error)}\n`)
    },
  })
  // The key and secret of an invented org: nothing to hide.
  cli.out(`
  An embedded Cloudaware org listens on ${org.url}. Lines for config.env:

CLOUDAWARE_URL=${org.url}
CLOUDAWARE_CLIENT_ID=${org.clientId}
CLOUDAWARE_CLIENT_SECRET=${org.clientSecret}

`)
  return undefined
}

const FLAGS = {
  port: { type: 'string' },
  host: { type: 'string' },
  'session-timeout-seconds': { type: 'string' },
  'session-lifetime-seconds': { type: 'string' },
  'kill-sessions-every-seconds': { type: 'string' },
  'token-format': { type: 'string' },
  'logins-per-hour': { type: 'string' },
  'requests-per-day': { type: 'string' },
  'tls-cert-file': { type: 'string' },
  'tls-key-file': { type: 'string' },
} as const

interface Options extends EmulatorOptions {
  readonly port: number
  readonly host: string
}

function readOptions(argv: readonly string[]): Options {
  let values
  try {
    values = parseArgs({ args: [...argv], options: FLAGS }).values
  } catch {
    throw new ConfigError([
      `The flags of emulator are ${Object.keys(FLAGS)
        .map((name) => `--${name}`)
        .join(', ')}; each takes a value.`,
    ])
  }
  const { port = '0', host = '127.0.0.1', 'token-format': tokenFormat = 'opaque' } = values
  const problems: string[] = []
  if (!isWhole(port, 65_535)) problems.push('--port must be a whole number from 0 to 65535.')
  if (tokenFormat !== 'opaque' && tokenFormat !== 'jwt') problems.push('--token-format must be opaque or jwt.')
  const whole = (flag: Exclude<keyof typeof values, 'port'>, maximum: number) => {
    const value = values[flag]
    if (value === undefined) return undefined
    if (isWhole(value, maximum) && Number(value) > 0) return Number(value)
    problems.push(`--${flag} must be a whole number from 1 to ${maximum}.`)
    return undefined
  }
  const milliseconds = (flag: Parameters<typeof whole>[0]) => {
    const seconds = whole(flag, 86_400)
    return seconds === undefined ? undefined : seconds * 1000
  }
  const sessions = {
    sessionTimeoutMs: milliseconds('session-timeout-seconds'),
    sessionLifetimeMs: milliseconds('session-lifetime-seconds'),
    killSessionsEveryMs: milliseconds('kill-sessions-every-seconds'),
    loginLimitPerHour: whole('logins-per-hour', 1_000_000),
    dailyRequestLimit: whole('requests-per-day', 1_000_000_000),
    tokenFormat: tokenFormat === 'jwt' ? ('jwt' as const) : ('opaque' as const),
  }
  const tls = readTls({ cert: values['tls-cert-file'], key: values['tls-key-file'] }, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return { port: Number(port), host, ...sessions, tls }
}

/** The PEM texts of both files; what is wrong with them is added to `problems`. */
function readTls(
  { cert, key }: { cert: string | undefined; key: string | undefined },
  problems: string[],
): EmulatorOptions['tls'] {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) {
    problems.push('--tls-cert-file and --tls-key-file come together.')
    return undefined
  }
  const read = (flag: string, path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      problems.push(`${flag} must name a file that can be read.`)
      return ''
    }
  }
  return { cert: read('--tls-cert-file', cert), key: read('--tls-key-file', key) }
}

function isWhole(text: string, maximum: number): boolean {
  return /^\d+$/.test(text) && Number(text) <= maximum
}
