import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'
import { seriesOf, type Series } from '../../test/support/scrape.ts'
import { freePort, listening, start } from '../processes.ts'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

export interface SoakOptions {
  readonly lifetimeSeconds: number
  readonly killEverySeconds?: number
}

/** Of one process. */
export interface Usage {
  readonly rssMiB: number
  readonly descriptors: number
}

export interface Outcome {
  readonly start: Usage
  readonly peak: Usage
  readonly end: Usage
  readonly series: readonly Series[]
  /** Token requests as the org counted them; undefined for another org. */
  readonly orgTokenRequests: number | undefined
  /** What is wrong beside the calls: the proxy has ended, or holds something. */
  readonly problems: readonly string[]
}

/** The proxy under the soak, and the org behind it. */
export interface Soaked extends AsyncDisposable {
  readonly port: number
  readonly isOrgOurs: boolean
  hasEnded(): boolean
  /** When the last client has left. */
  settled(): Promise<Outcome>
}

const SETTLING_MS = 30_000

export async function startSoaked(options: SoakOptions): Promise<Soaked> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudaware-proxy-soak-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  const [port, adminPort] = [await freePort(), await freePort()]
  const org = process.env.CLOUDAWARE_URL === undefined ? await startOrg(directory, options) : undefined
  if (org !== undefined) stack.use(org.running)
  const log = join(directory, 'proxy.log')
  const proxy = stack.use(
    start({
      file: process.execPath,
      args: [MAIN, 'serve'],
      output: log,
      env: {
        TOKEN_REQUESTS_PER_HOUR: '3600',
        TOKEN_LIFETIME_SECONDS: String(Math.max(Math.floor(options.lifetimeSeconds), 1)),
        ...(org?.settings ?? { ...ownSettings(), PROXY_READ_ONLY: 'true' }),
        PROXY_PORT: String(port),
        PROXY_HOST: '127.0.0.1',
        ADMIN_HOST: '127.0.0.1',
        ADMIN_PORT: String(adminPort),
        LOG_FORMAT: 'json',
        LOG_REQUESTS: 'none',
      },
    }),
  )
  const admin = `http://127.0.0.1:${adminPort}`
  await ready(admin, log)
  const first = usageOf(proxy.pid)
  let peak = first
  const watch = setInterval(() => {
    const now = usageOf(proxy.pid)
    peak = { rssMiB: Math.max(peak.rssMiB, now.rssMiB), descriptors: Math.max(peak.descriptors, now.descriptors) }
  }, 500)
  stack.defer(() => {
    clearInterval(watch)
  })
  const hasEnded = () => usageOf(proxy.pid).descriptors === 0
  const owned = stack.move()
  return {
    port,
    isOrgOurs: org !== undefined,
    hasEnded,
    async settled() {
      if (hasEnded()) {
        const problem = `the proxy has ended: ${readFileSync(log, 'utf8').split('\n').slice(-5).join('\n')}`
        return { start: first, peak, end: first, series: [], orgTokenRequests: undefined, problems: [problem] }
      }
      const series = await quiet(admin)
      const problems = HELD.flatMap((name) => {
        const value = valueOf(series, name)
        return value === 0 ? [] : [`${name} is ${value} after the last client has left`]
      })
      const end = usageOf(proxy.pid)
      const orgTokenRequests = org && (await org.tokenRequests())
      return { start: first, peak, end, series, orgTokenRequests, problems }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What must be 0 when nobody is there. */
const HELD = ['held_body_bytes', 'upstream_requests_running', 'upstream_requests_queued', 'requests_in_flight']

export function valueOf(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return series
    .filter((one) => one.name === `cloudaware_proxy_${name}`)
    .filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

async function quiet(admin: string): Promise<Series[]> {
  const deadline = Date.now() + SETTLING_MS
  for (;;) {
    const response = await fetch(`${admin}/metrics`)
    const series = seriesOf(await response.text())
    if (HELD.every((name) => valueOf(series, name) === 0) || Date.now() > deadline) return series
    await sleep(200)
  }
}

async function startOrg(directory: string, { lifetimeSeconds, killEverySeconds }: SoakOptions) {
  const port = await freePort()
  const output = join(directory, 'org.log')
  const running = start({
    file: process.execPath,
    args: [
      MAIN,
      'emulator',
      '--port',
      String(port),
      '--session-lifetime-seconds',
      String(Math.max(Math.round(lifetimeSeconds), 1)),
      '--logins-per-hour',
      '3600',
      '--requests-per-day',
      '1000000000',
      ...(killEverySeconds === undefined ? [] : ['--kill-sessions-every-seconds', String(Math.ceil(killEverySeconds))]),
    ],
    output,
  })
  await listening(port)
  let settings = parseEnv(readFileSync(output, 'utf8'))
  while (settings.CLOUDAWARE_CLIENT_SECRET === undefined) {
    await sleep(20)
    settings = parseEnv(readFileSync(output, 'utf8'))
  }
  const { CLOUDAWARE_URL = '', CLOUDAWARE_CLIENT_ID = '', CLOUDAWARE_CLIENT_SECRET } = settings
  return {
    running,
    settings: { CLOUDAWARE_URL, CLOUDAWARE_CLIENT_ID, CLOUDAWARE_CLIENT_SECRET },
    async tokenRequests() {
      const response = await fetch(`${CLOUDAWARE_URL}/__emulator/state`)
      const state = (await response.json()) as { tokenRequests: number } // of our own org
      return state.tokenRequests
    },
  }
}

/** The settings of the environment, for an org of your own. */
function ownSettings(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) =>
    /^(?:CLOUDAWARE|TOKEN|UPSTREAM|HTTPS?_PROXY|NO_PROXY)/.test(name),
  )
  return Object.fromEntries(own.map(([name, value]) => [name, value ?? '']))
}

async function ready(admin: string, log: string): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const isReady = await fetch(`${admin}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    if (Date.now() > deadline) throw new Error(`the proxy is not ready: ${readFileSync(log, 'utf8').slice(-2000)}`)
    await sleep(50)
  }
}

/** No descriptors where the process has ended. */
function usageOf(pid: number): Usage {
  try {
    const rssKiB = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return { rssMiB: Number(rssKiB ?? 0) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return { rssMiB: 0, descriptors: 0 }
  }
}
