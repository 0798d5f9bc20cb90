import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { selfSignedCertificate } from '../certificates.ts'
import { readReply } from '../http-client.ts'
import { seriesOf } from '../scrape.ts'
import { startStack, type RunningApp, type StackOptions } from '../stack.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { startCrowdOrg, goodBody, type CrowdOrg } from './org.ts'
import type { Place } from './visit.ts'

/** A wait that is longer is a failure: nothing in a history takes a second by itself. Less of it helps to look for one. */
export const PATIENCE_MS = Number(process.env.CROWD_PATIENCE_MS ?? 60_000)
export const KEY = 'the-key-of-all-callers'
export const REPLAY_LIMIT = 65_536

/** A proxy with all its listeners, in front of an org of its own. */
export interface World extends AsyncDisposable {
  readonly app: RunningApp
  readonly org: CrowdOrg
  readonly key: string | undefined
  /**
   * How many requests were refused although they had been sent again, because sessions died too fast: the repeat met the next death.
   */
  readonly lateRefusals: number
  readonly refusedLate: () => void
  place(listener: 'plain' | 'tls' | 'socket'): Place
  /** Requests of a well-behaved client, one a listener and kind, each on a kept connection; rejects where one is not served. */
  wellBehaved(): Promise<void>
  /** What is held, on a connection, and waiting. */
  load(): Promise<{ held: number; active: number; waiting: number }>
}

const certificate = selfSignedCertificate()

interface WorldOptions extends Pick<StackOptions, 'clock' | 'wrapLogger'> {
  readonly isKeyed: boolean
  /** Two connections to the org. */
  readonly isTight: boolean
}

export async function startWorld({ isKeyed, isTight, ...more }: WorldOptions): Promise<World> {
  const folder = await temporaryDirectory()
  const { key, cert } = await certificate
  await writeFile(folder.file('cert.pem'), cert)
  await writeFile(folder.file('key.pem'), key)
  const socket = join(folder.path, 'proxy.sock')
  const org = await startCrowdOrg()
  const app = await startStack(org, {
    env: {
      LOG_LEVEL: more.wrapLogger === undefined ? 'warn' : 'debug',
      TOKEN_REQUESTS_PER_HOUR: '3600',
      PROXY_REPLAY_LIMIT_BYTES: String(REPLAY_LIMIT),
      UPSTREAM_CONNECTIONS: isTight ? '2' : '64',
      PROXY_TLS_PORT: '0',
      PROXY_TLS_CERT_FILE: folder.file('cert.pem'),
      PROXY_TLS_KEY_FILE: folder.file('key.pem'),
      PROXY_SOCKET: socket,
      DRAIN_TIMEOUT_MS: '0',
      ...(isKeyed && { PROXY_API_KEY: KEY }),
    },
    ...more,
  })
  await app.tokenEvent('obtained')
  const tlsPort = Number(new URL(app.tls?.url ?? '').port)
  const places = { plain: { at: app.port }, tls: { at: tlsPort, ca: cert }, socket: { at: socket } }
  const own = isKeyed ? KEY : undefined
  const agents = { plain: new Agent({ keepAlive: true }), tls: new TlsAgent({ keepAlive: true, ca: cert }) }
  let [round, lateRefusals] = [0, 0]

  const serve = async (listener: keyof typeof places, method: string, path: string, body: string) => {
    const deathsBefore = org.deaths
    const nonce = `good-${round}-${listener}-${method}`
    const { at } = places[listener]
    const options = {
      ...(typeof at === 'number' ? { host: '127.0.0.1', port: at } : { socketPath: at }),
      path: `${path}?n=${nonce}&size=40`,
      method,
      headers: {
        host: 'localhost',
        'content-length': Buffer.byteLength(body),
        'content-type': path.includes('Soap') ? 'text/xml' : 'application/json',
        ...(own !== undefined && { 'x-api-key': own }),
      },
    }
    const request =
      listener === 'tls'
        ? tlsRequest({ ...options, agent: agents.tls, servername: 'localhost' })
        : httpRequest({ ...options, agent: agents.plain })
    request.end(body)
    // The 'response' event carries one IncomingMessage.
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { status, text } = await readReply(response)
    if (status === 200 && text === goodBody(nonce, 40)) return
    if (org.deaths > deathsBefore + 1 && text.includes('INVALID_SESSION_ID')) {
      lateRefusals += 1
      return
    }
    throw new Error(`${method} ${path} of a well-behaved client on ${listener}: ${status} ${text.slice(0, 300)}`)
  }
  return {
    app,
    org,
    key: own,
    get lateRefusals() {
      return lateRefusals
    },
    refusedLate: () => {
      lateRefusals += 1
    },
    place: (listener) => places[listener],
    async wellBehaved() {
      round += 1
      for (const listener of ['plain', 'tls', 'socket'] as const) {
        await serve(listener, 'GET', '/services/data/v62.0/limits', '')
        await serve(listener, 'POST', '/services/data/v62.0/sobjects/A', '{"Name":"a"}')
      }
      await serve('plain', 'POST', '/services/Soap/u/62.0', '<Envelope><Body><query/></Body></Envelope>')
    },
    async load() {
      const response = await fetch(`${app.adminUrl}/metrics`)
      const series = seriesOf(await response.text())
      const value = (name: string) => series.find((one) => one.name === `cloudaware_proxy_${name}`)?.value ?? NaN
      return {
        held: value('held_body_bytes'),
        active: value('upstream_requests_running'),
        waiting: value('upstream_requests_queued'),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const agent of Object.values(agents)) agent.destroy()
      await app[Symbol.asyncDispose]()
      await org[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export async function expectIdle(world: World): Promise<void> {
  await expect
    .poll(() => world.load(), { message: 'what is held when the crowd has left', timeout: PATIENCE_MS })
    .toEqual({
      held: 0,
      active: 0,
      waiting: 0,
    })
}
