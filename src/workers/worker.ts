import { Agent } from 'undici'
import type { Clock } from '../clock.ts'
import { companyProxyOf } from '../company-proxy.ts'
import { secretsOf, type ServingSettings } from '../config.ts'
import { apiOriginOf, createFront, type Front } from '../front.ts'
import type { Logger } from '../logger.ts'
import { Witness } from '../inspector/witness.ts'
import type { ProcessMetric } from '../metrics/process-metrics.ts'
import { createObservers, type Observers } from '../observers.ts'
import { LOG_LEVELS } from '../log-level.ts'
import type { CallerKey } from '../server/caller-key.ts'
import { connectorFor } from '../upstream/connector.ts'
import { SessionConfirmation } from '../upstream/session-confirmation.ts'
import { trusting } from '../upstream/trust.ts'
import { keysTold } from './caller-keys-told.ts'
import { failureOf, readToWorker, type FromWorker, type ToWorker } from './messages.ts'
import { RemoteTokens } from './remote-tokens.ts'
import type { Report } from './report.ts'

type StartMessage = Extract<ToWorker, { type: 'start' }>

export interface WorkerOptions {
  readonly clock: Clock
  readonly version: string
  readonly send: (message: FromWorker) => void
  /** The logger that the settings ask for, of worker `number`; `secrets` grows. */
  readonly logger: (settings: ServingSettings, about: { number: number; secrets: ReadonlySet<string> }) => Logger
  /** Ends the process. */
  readonly end: (code: number) => void
}

/** What is to be told of each message of the primary's. */
export type WorkerEar = (message: unknown) => void

/** A worker: it serves requests with what the primary tells it. Says hello, and is told the rest. */
export function createWorker(options: WorkerOptions): WorkerEar {
  let crew: CrewMember | undefined
  options.send({ type: 'hello', version: options.version })
  return (raw) => {
    const message = readToWorker(raw)
    // A primary of another version: it finds out by our hello.
    if (message === undefined) return
    if (message.type === 'start') {
      crew = new CrewMember(message, options)
      void crew.open()
    } else if (message.type === 'end' && crew === undefined) options.end(0)
    else crew?.hear(message)
  }
}

class CrewMember {
  readonly #options: WorkerOptions
  readonly #logger: Logger
  readonly #secrets: Set<string>
  readonly #tokens: RemoteTokens
  readonly #witness: Witness
  readonly #observers: Observers
  readonly #agent: Agent
  readonly #front: Promise<Front>
  #keys: readonly CallerKey[]
  #processMetrics: Promise<() => Promise<ProcessMetric[]>> | undefined

  constructor(start: StartMessage, options: WorkerOptions) {
    const { clock, version, send, logger } = options
    const { settings } = start
    this.#options = options
    this.#secrets = new Set([...secretsOf(settings), ...start.secrets])
    this.#logger = logger(settings, { number: start.number, secrets: this.#secrets })
    this.#setLevel(start.logLevel)
    this.#tokens = new RemoteTokens({ clock, waitMs: settings.TOKEN_WAIT_MS, send })
    this.#tokens.hold(start.standing)
    this.#keys = keysTold(start.callerKeys ?? [])
    this.#witness = new Witness({ clock, secrets: () => this.#secrets })
    this.#observers = createObservers({
      logger: this.#logger,
      clock,
      // Without the admin listener nobody could look at what it sees.
      inspector: settings.ADMIN_PORT === 'off' ? undefined : this.#witness,
      requestLines: settings.LOG_REQUESTS,
    })
    const connector = connectorFor({
      timeoutMs: settings.UPSTREAM_CONNECT_TIMEOUT_MS,
      secureContext: trusting(start.ca),
      proxy: companyProxyOf(settings),
    })
    this.#agent = new Agent({ connect: connector })
    const confirmation = new SessionConfirmation({
      dispatch: this.#agent.dispatch.bind(this.#agent),
      originFor: (token) => apiOriginOf(settings, token),
      clock,
      onEvent: (event) => {
        this.#observers.bearer(event)
      },
    })
    this.#front = createFront({
      settings,
      logger: this.#logger,
      clock,
      version,
      connector,
      tokens: this.#tokens,
      confirmation,
      instanceUrl: () => this.#tokens.current?.instanceUrl,
      callerKeys: start.callerKeys && (() => this.#keys),
      identity: start.identity,
      observers: this.#observers,
      maxConnections: settings.PROXY_MAX_CONNECTIONS,
      crew: { size: settings.WORKERS, socketPath: start.socketPath },
      onToken: () => undefined,
    })
  }

  async open(): Promise<void> {
    const { send, end } = this.#options
    try {
      const { plain, secure } = await (await this.#front).open()
      send({ type: 'listening', plain, ...(secure !== undefined && { secure }) })
    } catch (error) {
      send(failureOf(error))
      end(1)
    }
  }

  hear(message: Exclude<ToWorker, StartMessage>): void {
    switch (message.type) {
      case 'standing':
      case 'got':
      case 'none':
        this.#tokens.told(message)
        return
      case 'caller-keys':
        for (const secret of message.secrets) this.#secrets.add(secret)
        this.#keys = keysTold(message.callerKeys)
        return
      case 'identity':
        void this.#front.then((front) => {
          front.renew(message.identity)
        })
        return
      case 'log-level':
        this.#setLevel(message.level)
        return
      case 'report-please':
        void this.#report(message.withProcess).then((report) => {
          this.#options.send({ type: 'report', report })
        })
        return
      case 'drain':
        void this.#drain()
        return
      case 'end':
        void this.#end()
    }
  }

  #setLevel(wanted: string): void {
    const level = LOG_LEVELS.find((known) => known === wanted)
    if (level !== undefined) this.#logger.level = level
  }

  async #report(withProcess: boolean): Promise<Report> {
    const { load } = await this.#front
    if (withProcess)
      this.#processMetrics ??= import('../metrics/process-metrics.ts').then((m) => m.collectProcessMetrics())
    const process = withProcess ? await (await this.#processMetrics)?.() : undefined
    return {
      // Its members are getters: as it is now.
      load: { ...load },
      tally: this.#observers.tally.take(),
      refusals: this.#observers.apiRefusals.list(),
      seen: this.#witness.testify(),
      ...(process && { process }),
    }
  }

  async #drain(): Promise<void> {
    const isWhole = await (await this.#front).drain()
    this.#options.send({ type: 'drained', isWhole, report: await this.#report(false) })
  }

  async #end(): Promise<void> {
    await (await this.#front).close()
    await this.#agent.destroy()
    this.#tokens.close()
    this.#options.end(0)
  }
}
