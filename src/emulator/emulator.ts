import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { systemClock, type Clock } from '../clock.ts'
import { answerToError } from './api-error.ts'
import { Jobs } from './bulk-types.ts'
import { receive, send } from './edge.ts'
import { assertionCheck } from './jwt-assertion.ts'
import type { Org } from './org.ts'
import { OrgState, type OrgOptions } from './org-state.ts'
import { Cursors } from './cursors.ts'
import { RecordStore } from './record-store.ts'
import { RequestLog, type RecordedRequest } from './request-log.ts'
import { route } from './router.ts'
import { publishChange } from './streaming/change-events.ts'
import { StreamingClients } from './streaming/streaming-clients.ts'

export interface EmulatorOptions extends Omit<OrgOptions, 'clock' | 'seed'> {
  /** 0, the default, is any free port. */
  port?: number | undefined
  /** A loopback address unless told otherwise. */
  host?: string | undefined
  clock?: Clock | undefined
  /** The same seed makes the same org, key, secret and records; tokens are never the same. */
  seed?: number | undefined
  /** How many EC2 instances the org holds; the other objects follow. */
  records?: number | undefined
  /** PEM: https instead of http. */
  tls?: { key: string; cert: string } | undefined
}

export interface Emulator extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly clientId: string
  /** The present one. */
  readonly clientSecret: string
  readonly org: OrgState
  readonly store: RecordStore
  /** What arrived, oldest first: the last thousand, fewer where their bodies are large. */
  readonly requests: readonly RecordedRequest[]
  /** How many times the token endpoint was asked. */
  tokenRequests(): number
  killSessions(): void
  /** Sends an event to all who have subscribed to the channel; returns its replay id. */
  publish(channel: string, data: Readonly<Record<string, unknown>>): number
  close(): Promise<void>
}

/** Starts a stand-in for Cloudaware's org: token endpoint and CMDB API on one port. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { clock = systemClock, seed = 1, host = '127.0.0.1', tls } = options
  const state = new OrgState({ ...options, clock, seed })
  const store = new RecordStore({ clock, org: state, seed, records: options.records ?? 6400 })
  const org: Org = {
    state,
    store,
    cursors: new Cursors(),
    queryJobs: new Jobs('750'),
    ingestJobs: new Jobs('751'),
    bulk1Jobs: new Jobs('750'),
    streaming: new StreamingClients(state),
  }
  store.onChange = (change) => {
    publishChange(org, change)
  }
  const log = new RequestLog()

  const scheme = tls === undefined ? 'http' : 'https'
  let authority = ''
  const check = assertionCheck(() => `${scheme}://${authority}`)

  const answer = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
    const arrived = log.add(request)
    const call = await receive(request, scheme, authority)
    arrived(call.body)
    const outcome = await route(org, call, check)
    if (outcome === 'reset') request.socket.destroy()
    else send(request, response, outcome, state)
  }
  const listener: RequestListener = (request, response) => {
    answer(request, response).catch((error: unknown) => {
      send(request, response, answerToError(error), state)
    })
  }

  // The edge draws its own lines, see edge.ts; Node's must lie beyond them.
  const maxHeaderSize = 128 * 1024
  const server =
    tls === undefined ? createServer({ maxHeaderSize }, listener) : createTlsServer({ ...tls, maxHeaderSize }, listener)
  const port = await listen(server, options.port ?? 0, host)
  authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const close = () => {
    state.closing.abort()
    return closed(server)
  }
  return {
    url: `${scheme}://${authority}`,
    port,
    clientId: state.clientId,
    get clientSecret() {
      return state.clientSecret
    },
    org: state,
    store,
    requests: log.requests,
    tokenRequests: () => state.tokenRequests,
    killSessions: () => {
      state.killSessions()
    },
    publish: (channel, data) => org.streaming.publish(channel, data),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  server.once('error', reject)
  server.listen(port, host, () => {
    resolve(undefined)
  })
  await promise
  // A server that listens on a port has an address of this kind.
  return (server.address() as AddressInfo).port
}

/** Hanging answers are cut off; closing twice is no mistake. */
async function closed(server: Server): Promise<void> {
  if (!server.listening) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  server.close(() => {
    resolve(undefined)
  })
  server.closeAllConnections()
  await promise
}
