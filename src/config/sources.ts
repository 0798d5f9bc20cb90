import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { readFlags } from './flags.ts'
import { nearest } from './nearest.ts'
import { hasFileTwin, SETTINGS } from './schema.ts'

/** Where settings come from. Without `cwd` no config.env is looked for. `readFile` throws as node:fs does. */
export interface Sources {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  cwd: string | undefined
  readFile: (path: string) => string
  /** Settings that the environment and config.env do not decide: they speak of another proxy. */
  byFlagOnly?: readonly string[]
}

/** The raw texts by setting; `blamed` names settings already spoken of, so that they are not called missing too. */
export interface Gathered {
  values: Map<string, string>
  problems: string[]
  blamed: Set<string>
}

/** All settings that are given, the contents of secret files included. */
export function gatherValues(sources: Sources): Gathered {
  const gathered = gatherTexts(sources)
  readSecretFiles(gathered, sources)
  return gathered
}

/** Flags beat the environment, which beats the file. An empty value counts as not given, so it hides nothing. */
export function gatherTexts({ argv, env, cwd, readFile, byFlagOnly = [] }: Sources): Gathered {
  const flags = readFlags(argv)
  const file = readConfigFile({ path: flags.configFile, cwd, readFile })
  const own = Object.entries({ ...env, ...customary(env) }).filter(([name]) => SETTINGS.has(name))
  const general = [...file.values, ...own].filter(([name]) => !byFlagOnly.includes(name))
  const given = [...general, ...flags.values].flatMap(([name, value]) => {
    const trimmed = value?.trim() ?? ''
    return trimmed === '' ? [] : [[name, trimmed] as const]
  })
  return {
    values: new Map(given),
    problems: [...flags.problems, ...file.problems],
    blamed: new Set<string>(),
  }
}

/** The one pair of settings that all programs share has its names in small letters too; they win, as with curl. */
function customary(env: Sources['env']): Sources['env'] {
  const names = ['HTTPS_PROXY', 'NO_PROXY'] as const
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name.toLowerCase()]
      return value === undefined || value.trim() === '' ? [] : [[name, value]]
    }),
  )
}

type FileAccess = Pick<Sources, 'cwd' | 'readFile'>

function readConfigFile({ path, cwd, readFile }: FileAccess & { path: string | undefined }) {
  if (path === undefined && cwd === undefined) return { values: [], problems: [] }
  let content: string
  try {
    content = readFile(resolve(cwd ?? '', path ?? 'config.env'))
  } catch (error) {
    const code = errorCode(error)
    if (path === undefined && code === 'ENOENT') return { values: [], problems: [] }
    return {
      values: [],
      problems: [`${path === undefined ? 'config.env' : '--config'}: the file cannot be read (${code}).`],
    }
  }
  const values = Object.entries(parseEnv(content))
  const problems = values.flatMap(([name]) =>
    SETTINGS.has(name) ? [] : [`The configuration file: ${unknownName(name)}`],
  )
  return { values: values.filter(([name]) => SETTINGS.has(name)), problems }
}

/** `NAME_FILE` holds the secret `NAME`, so that it need not stand in the environment. */
function readSecretFiles({ values, problems, blamed }: Gathered, { cwd, readFile }: FileAccess): void {
  for (const name of SETTINGS.keys()) {
    const path = hasFileTwin(name) ? values.get(`${name}_FILE`) : undefined
    if (path === undefined) continue
    if (values.has(name)) {
      problems.push(`${name} and ${name}_FILE are both set: keep one of them.`)
      continue
    }
    blamed.add(name)
    try {
      const value = readFile(resolve(cwd ?? '', path)).trim()
      if (value === '') problems.push(`${name}_FILE names an empty file.`)
      else values.set(name, value)
    } catch (error) {
      problems.push(`${name}_FILE names a file that cannot be read (${errorCode(error)}).`)
    }
  }
}

/** The system's name of what went wrong (ENOENT, EACCES); its message would repeat the path. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}

function unknownName(name: string): string {
  const meant = nearest(name, SETTINGS.keys())
  return meant === undefined ? `${name} is no setting.` : `${name} is no setting: did you mean ${meant}?`
}

/**
 * Environment variables that look like misspelt settings. Only near misses, and only a warning: Kubernetes injects
 * PROXY_PORT_8080_TCP and the like for every Service, so an unknown name with our prefix is no proof of a mistake.
 */
export function environmentWarnings(env: Sources['env']): string[] {
  return Object.keys(env)
    .filter((name) => /^(CLOUDAWARE|TOKEN|PROXY|UPSTREAM|ADMIN|DRAIN)_/.test(name) && !SETTINGS.has(name))
    .filter((name) => nearest(name, SETTINGS.keys()) !== undefined)
    .map(unknownName)
}
