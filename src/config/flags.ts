import { parseArgs } from 'node:util'
import { nearest } from './nearest.ts'
import { SETTINGS } from './schema.ts'

export interface FlagValues {
  values: Map<string, string>
  configFile: string | undefined
  problems: string[]
}

/** `PROXY_PORT` is `--proxy-port`. */
export function flagOf(name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`
}

const NAME_OF_FLAG = new Map([...SETTINGS.keys()].map((name) => [flagOf(name), name]))
const OPTIONS = Object.fromEntries(
  [...SETTINGS].map(([name, { type }]) => [
    flagOf(name).slice(2),
    { type: type === 'boolean' ? ('boolean' as const) : ('string' as const) },
  ]),
)

/** The settings given on the command line, by environment name. Values are never repeated in a problem. */
export function readFlags(argv: readonly string[]): FlagValues {
  // Not strict: parseArgs would throw at the first mistake, and all are to be reported.
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...OPTIONS, config: { type: 'string' } },
    strict: false,
    tokens: true,
  })
  const read: FlagValues = { values: new Map(), configFile: undefined, problems: [] }
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'option') takeOption(read, token)
    // What follows an unknown flag is most likely its value: one problem, not two.
    if (token.kind === 'positional' && !isUnknownFlag(tokens[index - 1])) {
      read.problems.push('An argument belongs to no flag (a switch takes its value as --flag=false).')
    }
  }
  return read
}

function takeOption(
  read: FlagValues,
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
): void {
  const flag = token.rawName
  const name = NAME_OF_FLAG.get(flag)
  if (name === undefined && flag !== '--config') {
    read.problems.push(unknownFlag(flag))
    return
  }
  const schema = name === undefined ? undefined : SETTINGS.get(name)
  if (name !== undefined && schema?.secret === true) {
    read.problems.push(
      `${flag} is refused: arguments are visible in process lists. Use ${flagOf(`${name}_FILE`)} or the environment (${name}).`,
    )
    return
  }
  const value = token.value ?? (schema?.type === 'boolean' ? 'true' : undefined)
  if (value === undefined || (token.inlineValue !== true && value.startsWith('--'))) {
    read.problems.push(`${flag} needs a value.`)
  } else if (name === undefined) {
    read.configFile = value
  } else {
    read.values.set(name, value.trim())
  }
}

function isUnknownFlag(token: { kind: string; rawName?: string } | undefined): boolean {
  return token?.rawName !== undefined && token.rawName !== '--config' && !NAME_OF_FLAG.has(token.rawName)
}

function unknownFlag(flag: string): string {
  // What is spelled like no flag may be anything, a secret that begins with dashes too.
  if (!/^--?[a-z][a-z\d-]*$/i.test(flag)) return 'An argument looks like a flag, but is none of this program.'
  const meant = nearest(flag, [...NAME_OF_FLAG.keys(), '--config'])
  return meant === undefined ? `${flag} is no flag of this program.` : `${flag} is no flag: did you mean ${meant}?`
}
