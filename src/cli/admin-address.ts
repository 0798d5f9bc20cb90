import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ADMIN_DEFAULTS } from '../admin-defaults.ts'
import { ConfigError } from '../config-error.ts'
import type { AdminAddress } from './admin-client.ts'
import type { Cli } from './cli.ts'

type Sources = Pick<Cli, 'argv' | 'env' | 'cwd'>

/** A wildcard is asked where it certainly listens. */
const REACHABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** From the settings that speak of it: the others may be wrong or missing here. Throws ConfigError. */
export async function adminAddress(sources: Sources): Promise<AdminAddress> {
  const { host, port } = plainAddress(sources) ?? (await configuredAddress(sources))
  return { host: REACHABLE[host] ?? host, port }
}

/**
 * The address where at most the environment speaks of it; undefined where flags, a file or mistakes do. What reads all those takes 30 MiB
 * and a seventh of a second of a processor to load, and a health check does so again and again, within the limits of the proxy that it checks.
 */
export function plainAddress({ argv, env, cwd }: Sources): AdminAddress | undefined {
  const host = env.ADMIN_HOST?.trim() ?? ''
  const port = env.ADMIN_PORT?.trim() ?? ''
  if (argv.length > 0 || hasConfigFile(cwd) || !/^(?:[1-9]\d{0,4})?$/.test(port) || Number(port) > 65_535)
    return undefined
  return {
    host: host === '' ? ADMIN_DEFAULTS.host : host,
    port: port === '' ? ADMIN_DEFAULTS.port : Number(port),
  }
}

async function configuredAddress(sources: Sources): Promise<AdminAddress> {
  const { loadSome } = await import('../config.ts')
  const { ADMIN_HOST: host, ADMIN_PORT: port } = loadSome(['ADMIN_HOST', 'ADMIN_PORT'], sources)
  if (port === 'off') throw new ConfigError(['ADMIN_PORT is off: there is no admin listener to ask.'])
  if (port === 0) throw new ConfigError(['ADMIN_PORT is 0, any free port: give the one that was printed at start.'])
  return { host, port }
}

function hasConfigFile(cwd: string): boolean {
  try {
    return statSync(resolve(cwd, 'config.env'), { throwIfNoEntry: false }) !== undefined
  } catch {
    // What cannot even be looked for is the reader's to report.
    return true
  }
}
