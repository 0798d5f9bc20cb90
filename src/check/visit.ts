import type { SecureContext } from 'node:tls'
import type { Dispatcher, buildConnector } from 'undici'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config.ts'
import type { Introspect } from '../token/introspection.ts'
import type { Grant, TokenAnswer } from '../token/token-source.ts'
import type { Finding } from './finding.ts'

/** What the steps share: how the org is reached, and what earlier steps have learnt. */
export interface Visit {
  readonly settings: Settings
  /** What seems odd about the environment. */
  readonly warnings: readonly string[]
  readonly clock: Clock
  /** What certificates are verified by; undefined is Node's own store. */
  readonly secureContext: SecureContext | undefined
  /** What CLOUDAWARE_CA_FILE adds to it, PEM. */
  readonly further: string | undefined
  /** As the proxy itself connects. */
  readonly connector: buildConnector.connector
  readonly dispatcher: Dispatcher
  readonly grant: Grant
  readonly introspect: Introspect
  /** How long a step may take. */
  readonly timeoutMs: number
  /** Told of each token, so that none is printed. */
  readonly onSecret: (secret: string) => void
  /** The API version to ask, such as `67.0`: the newest of those that the org offers. */
  version?: string
  token?: TokenAnswer
}

/** One thing that is looked at. Throws CheckFailure, or whatever a connection throws. */
export interface Step {
  /** Stable, for machines. */
  readonly name: string
  readonly title: string
  /** The proxy does without what is looked at, so that its failure is worth a note. */
  readonly isOptional?: true
  readonly run: (visit: Visit, signal: AbortSignal) => Finding | Promise<Finding>
}
