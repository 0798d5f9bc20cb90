import { Dispatcher } from 'undici'
import { systemClock } from '../../src/clock.ts'
import type { GuardOptions } from '../../src/server/guard.ts'
import type { TokenSource } from '../../src/token/token-source.ts'
import type { BearerEvent } from '../../src/upstream/bearer-options.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { connectorFor } from '../../src/upstream/connector.ts'
import { createUpstream } from '../../src/upstream/dispatcher.ts'
import { confirmsAs } from './confirmation.ts'
import { startGuarded } from './guarded-app.ts'
import { startOriginServer, type Answer } from './origin-server.ts'

const TOKEN = {
  value: 'x',
  fingerprint: 'x',
  format: 'opaque',
  obtainedAt: 0,
  instanceUrl: undefined,
  identityUrl: undefined,
} as const

/** Collaborators of the request side; each may throw. */
export interface Faulty extends Pick<GuardOptions, 'callerKeys' | 'answersLogins'> {
  readonly tokens: TokenSource
  /** Called as the origin of a request is chosen. */
  readonly onToken: () => void
  readonly onEvent: (event: BearerEvent) => void
  readonly onStreamed: (bytes: number) => void
  readonly upstreamOrigin: () => string
  readonly onEnded: () => void
  readonly captureBodies: boolean
  /** Around the handler that is given to the way upstream. */
  readonly around: (handler: Dispatcher.DispatchHandler) => Dispatcher.DispatchHandler
}

export const tokens: TokenSource = { get: () => TOKEN, retire: () => undefined }

/** Guard, proxy and the way upstream over one connection, with collaborators that throw where a test says so. */
export async function startFaulty(answer: Answer, faulty: Partial<Faulty>) {
  const org = await startOriginServer(answer)
  const bodyMemory = new BodyMemory({ totalBytes: 1_000_000 })
  const upstream = createUpstream({
    tokens: faulty.tokens ?? tokens,
    confirmation: confirmsAs('dead'),
    originFor: () => {
      faulty.onToken?.()
      return org.url
    },
    connector: connectorFor({ timeoutMs: 1000 }),
    connections: 1,
    queueLimit: 10,
    queueTimeoutMs: 10_000,
    clock: systemClock,
    connectionLifeMs: 300_000,
    timeoutMs: 10_000,
    replayLimitBytes: 60_000,
    bodyMemory,
    onEvent: faulty.onEvent ?? (() => undefined),
  })
  const { around = (handler: Dispatcher.DispatchHandler) => handler } = faulty
  const dispatcher = new AroundDispatcher(upstream.dispatcher, around)
  const proxy = await startGuarded({ ...faulty, dispatcher, bodyMemory })
  return {
    ...proxy,
    org,
    load: () => ({ active: upstream.load.active, waiting: upstream.load.waiting, heldBytes: bodyMemory.heldBytes }),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await upstream.destroy()
      await org[Symbol.asyncDispose]()
    },
  }
}

class AroundDispatcher extends Dispatcher {
  readonly #dispatcher: Dispatcher
  readonly #around: Faulty['around']

  constructor(dispatcher: Dispatcher, around: Faulty['around']) {
    super()
    this.#dispatcher = dispatcher
    this.#around = around
  }

  override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#dispatcher.dispatch(request, this.#around(handler))
  }
}
