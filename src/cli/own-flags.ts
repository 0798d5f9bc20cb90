import { ConfigError } from '../config-error.ts'

export interface OwnFlags {
  /** The values of the command's own flags, by name without dashes; a switch that is given is an empty text. */
  readonly own: ReadonlyMap<string, string>
  /** What is left: settings. */
  readonly rest: readonly string[]
}

/** Takes the flags that belong to a command itself out of its arguments. `kinds`: whether a flag takes a value. Throws ConfigError. */
export function takeFlags(argv: readonly string[], kinds: Readonly<Record<string, 'value' | 'switch'>>): OwnFlags {
  const own = new Map<string, string>()
  const rest: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? ''
    const [, name = '', inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? []
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) rest.push(argument)
    else if (kind === 'switch') own.set(name, '')
    else own.set(name, inline ?? valueAfter(argv[++index], name))
  }
  return { own, rest }
}

function valueAfter(argument: string | undefined, name: string): string {
  if (argument === undefined || argument.startsWith('--')) throw new ConfigError([`--${name} needs a value.`])
  return argument
}
