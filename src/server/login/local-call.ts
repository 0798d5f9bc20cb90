import type { Readable } from 'node:stream'
import type { ProxyErrorCode } from '../../errors.ts'
import type { Claim } from '../../upstream/body-memory.ts'
import type { HeaderFields } from '../effective-method.ts'
import type { LoginEndpoint } from './login-paths.ts'

/** A request that the proxy answers itself. */
export interface LocalCall {
  readonly endpoint: LoginEndpoint
  readonly method: string
  readonly policyPath: string
  /** `?` and the query, or nothing. */
  readonly search: string
  readonly headers: HeaderFields
  /** From its first byte on. */
  readonly body: Readable
  /** Covers what is held of it. */
  readonly claim: Claim
  /** The name of the key that the head presented. */
  readonly caller: string | undefined
}

/** The answer to it. */
export interface LocalAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Whom its credentials named. */
  readonly caller?: string | undefined
  /** What the answer refuses, for the log and the metrics: its own form is that of a login. */
  readonly problem?: ProxyErrorCode
}

/** More than any login holds; a JWT assertion with a long certificate chain included. */
export const LOGIN_BODY_BYTES = 64 * 1024
