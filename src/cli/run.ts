import { ConfigError } from '../config-error.ts'
import type { Cli, ExitCode } from './cli.ts'
import { VERSION } from './version.ts'

type Command = (cli: Cli) => Promise<ExitCode>

/** Each is loaded only when it is asked for: `serve` need not wait for an emulator, nor `wait`, a container's health check, for settings. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  check: async () => (await import('./check.ts')).check,
  status: async () => (await import('./status.ts')).status,
  wait: async () => (await import('./wait.ts')).wait,
  quit: async () => (await import('./quit.ts')).quit,
  exec: async () => (await import('./exec.ts')).exec,
  demo: async () => (await import('./demo.ts')).demo,
  emulator: async () => (await import('./emulator.ts')).emulator,
}

/** Runs the command that the arguments name. */
export async function run(cli: Cli): Promise<ExitCode> {
  const [first = ''] = cli.argv
  const isNamed = first !== '' && !first.startsWith('-')
  const name = isNamed ? first : 'serve'
  const argv = spellOut(name, isNamed ? cli.argv.slice(1) : cli.argv)
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  // What follows a lone -- belongs to another program.
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  if (own.includes('--version')) return print(cli, VERSION)
  if (name === 'help') return print(cli, await helpOf(name))
  if (load === undefined) {
    cli.err(`There is no such command. The commands are ${Object.keys(COMMANDS).join(', ')}; --help tells more.\n`)
    return 2
  }
  if (own.includes('--help') || own.includes('-h')) return print(cli, await helpOf(name))
  try {
    if (own.includes('--print-config'))
      return await printConfig({ ...cli, argv: own.filter((arg) => arg !== '--print-config') })
    const command = await load()
    return await command({ ...cli, argv })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    cli.err(`${error.message}\nSee --help, or config.example.env.\n`)
    return 2
  }
}

/** `--quiet` of the commands that log: warnings and errors only. */
function spellOut(name: string, argv: readonly string[]): readonly string[] {
  if (name !== 'serve' && name !== 'demo') return argv
  return argv.map((arg) => (arg === '--quiet' || arg === '-q' ? '--log-level=warn' : arg))
}

function print(cli: Cli, text: string): ExitCode {
  cli.out(`${text}\n`)
  return 0
}

async function helpOf(name: string): Promise<string> {
  const { COMMAND_HELP, generalHelp } = await import('./help.ts')
  return COMMAND_HELP[name] ?? generalHelp()
}

/** In the form of config.env, with credentials as `<set>`. */
async function printConfig(cli: Cli): Promise<ExitCode> {
  const { describeSettings, loadSettings } = await import('../config.ts')
  const lines = Object.entries(describeSettings(loadSettings(cli))).map(([name, value]) => `${name}=${String(value)}`)
  return print(cli, lines.join('\n'))
}
