import { ConfigError, describeSettings, loadSettings } from '../config.ts'
import type { Cli, ExitCode } from './cli.ts'
import { demo } from './demo.ts'
import { emulator } from './emulator.ts'
import { COMMAND_HELP, generalHelp } from './help.ts'
import { serve } from './serve.ts'
import { VERSION } from './version.ts'

const COMMANDS: Readonly<Record<string, (cli: Cli) => Promise<ExitCode>>> = { serve, demo, emulator }

/** Runs the command that the arguments name. */
export async function run(cli: Cli): Promise<ExitCode> {
  const [first = ''] = cli.argv
  const isNamed = first !== '' && !first.startsWith('-')
  const name = isNamed ? first : 'serve'
  const argv = isNamed ? cli.argv.slice(1) : cli.argv
  const command = COMMANDS[name]
  if (argv.includes('--version')) return print(cli, VERSION)
  if (name === 'help') return print(cli, generalHelp())
  if (command === undefined) {
    cli.err(`There is no such command. The commands are ${Object.keys(COMMANDS).join(', ')}; --help tells more.\n`)
    return 2
  }
  if (argv.includes('--help') || argv.includes('-h')) return print(cli, COMMAND_HELP[name] ?? generalHelp())
  try {
    if (argv.includes('--print-config'))
      return printConfig({ ...cli, argv: argv.filter((arg) => arg !== '--print-config') })
    return await command({ ...cli, argv })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    cli.err(`${error.message}\nSee --help, or config.example.env.\n`)
    return 2
  }
}

function print(cli: Cli, text: string): ExitCode {
  cli.out(`${text}\n`)
  return 0
}

/** In the form of config.env, with credentials as `<set>`. */
function printConfig(cli: Cli): ExitCode {
  const lines = Object.entries(describeSettings(loadSettings(cli))).map(([name, value]) => `${name}=${String(value)}`)
  return print(cli, lines.join('\n'))
}
