import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { ConfigError, loadSome } from '../config.ts'
import type { Cli } from './cli.ts'

const ANSWER_TIMEOUT_MS = 5000

/** Where a running proxy's admin listener is. */
export interface AdminAddress {
  readonly host: string
  readonly port: number
}

export interface AdminAnswer {
  readonly status: number
  /** Parsed JSON. */
  readonly body: unknown
}

/** From the settings that speak of it: the others may be wrong or missing here. Throws ConfigError. */
export function adminAddress(cli: Pick<Cli, 'argv' | 'env' | 'cwd'>): AdminAddress {
  const { ADMIN_HOST: host, ADMIN_PORT: port } = loadSome(['ADMIN_HOST', 'ADMIN_PORT'], cli)
  if (port === 'off') throw new ConfigError(['ADMIN_PORT is off: there is no admin listener to ask.'])
  if (port === 0) throw new ConfigError(['ADMIN_PORT is 0, any free port: give the one that was printed at start.'])
  return { host: REACHABLE[host] ?? host, port }
}

/** A wildcard is asked where it certainly listens. */
const REACHABLE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** One request to the admin listener; undefined where no proxy answers at that address. */
export async function askAdmin(
  { host, port }: AdminAddress,
  {
    path,
    method = 'GET',
    timeoutMs = ANSWER_TIMEOUT_MS,
  }: { path: string; method?: 'GET' | 'POST'; timeoutMs?: number },
): Promise<AdminAnswer | undefined> {
  try {
    const asking = request({
      host,
      port,
      path,
      method,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      // The admin listener knows itself by the loopback names, whatever address it listens on.
      headers: { host: `localhost:${port}` },
    }).end()
    // The event carries one IncomingMessage.
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, body: await json(response) }
  } catch {
    // Refused, silent, or another program that speaks no JSON: no proxy of ours.
    return undefined
  }
}

/** As people type it. */
export function describeAddress({ host, port }: AdminAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
