import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { API_KEY } from './contestants.ts'
import { isInstalled } from './processes.ts'

export interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Answers with another status than 2xx or 3xx, and broken connections. */
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export const loadGenerator = isInstalled('wrk') ? 'wrk -t1' : 'autocannon'

/** As many requests as the proxy answers, from so many connections that each wait for their answer. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return loadGenerator === 'autocannon' ? withAutocannon(options) : withWrk(options)
}

/** As many as a tool may hold open at once. */
export const CONNECTIONS = 32

/** How often connections come and go before anything is measured. */
const WARM_UPS = 5

/**
 * Several runs and not a long one: V8 compiles for what it has seen, and that connections end with requests under way it sees at the end
 * of a run alone.
 */
export async function warmUp(port: number, seconds: number): Promise<void> {
  for (let run = 0; run < WARM_UPS; run++) await load({ port, connections: CONNECTIONS, seconds })
}

async function withWrk({ port, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', join(import.meta.dirname, 'paths.lua')]
  const { stdout } = await promisify(execFile)('wrk', [...args, `http://127.0.0.1:${port}`, '--', API_KEY])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as LoadResult
}

/** From its command line: in a process of its own, and one target for all. */
async function withAutocannon({ port, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const program = fileURLToPath(import.meta.resolve('autocannon'))
  const headers = ['accept=application/json', 'user-agent=bench/1.0', `x-api-key=${API_KEY}`].flatMap((h) => ['-H', h])
  const args = [program, '-c', String(connections), '-d', String(seconds), '--json', ...headers]
  const { stdout } = await promisify(execFile)(process.execPath, [...args, `http://127.0.0.1:${port}${pathOf(0)}`])
  const found = JSON.parse(stdout) as AutocannonResult
  const failed = found.non2xx + found.errors + found.timeouts
  const { p50, p99 } = found.latency
  return { requests: found.requests.total, seconds: found.duration, failed, p50Ms: p50, p99Ms: p99 }
}

interface AutocannonResult {
  readonly requests: { readonly total: number }
  readonly duration: number
  readonly latency: { readonly p50: number; readonly p99: number }
  readonly non2xx: number
  readonly errors: number
  readonly timeouts: number
}

/** The same targets as in paths.lua. */
export function pathOf(n: number): string {
  const id = `a0B${String((n % 512) + 1).padStart(12, '0')}`
  return n % 2 === 0
    ? `/services/data/v67.0/sobjects/CA10__CaAwsInstance__c/${id}`
    : `/services/data/v67.0/query?q=SELECT+Name+FROM+CA10__CaAwsInstance__c+WHERE+Id='${id}'`
}
