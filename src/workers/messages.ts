import { Type, type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/value'
import type { ServingSettings } from '../config.ts'
import type { AccessToken } from '../token/token-source.ts'
import { count, report } from './report.ts'

/*
 * What the primary and its workers tell each other, as JSON over Node's own channel. Checked on arrival: a worker that was started from
 * another version of the program on disk is found out, and whatever else comes is dropped without being shown, for it may hold a token.
 */

/** undefined goes missing in JSON. */
const token = Type.Object({
  value: Type.String({ minLength: 1 }),
  fingerprint: Type.String(),
  format: Type.Union([Type.Literal('opaque'), Type.Literal('jwt')]),
  instanceUrl: Type.Optional(Type.String()),
  identityUrl: Type.Optional(Type.String()),
  obtainedAt: Type.Number(),
})

/** The token held, and how long callers need not ask for another; null while none is held. */
const standing = Type.Union([Type.Null(), Type.Object({ token, calmForMs: Type.Number() })])

/** An OAuthError, for those who debug. */
const cause = Type.Object({
  kind: Type.Union([Type.Literal('transient'), Type.Literal('permanent'), Type.Literal('rate-limited')]),
  error: Type.String(),
  description: Type.String(),
  status: Type.Optional(Type.Integer()),
  secret: Type.Optional(Type.Object({ name: Type.String(), fingerprint: Type.String() })),
})

const callerKeys = Type.Array(
  Type.Object({
    name: Type.String(),
    /** SHA-256, hex. */
    digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    length: count,
    /** The secret of the session that a login gives out. */
    session: Type.Union([Type.Null(), Type.String()]),
  }),
)

const identity = Type.Object({ cert: Type.String(), key: Type.String() })

const toWorker = {
  start: Type.Object({
    type: Type.Literal('start'),
    /** Checked where they were read; the credentials of the token endpoint are not among them. */
    settings: Type.Unsafe<ServingSettings>(
      Type.Object({ UPSTREAM_CONNECTIONS: count, UPSTREAM_QUEUE_LIMIT: count, PROXY_HOST: Type.String() }),
    ),
    /** The worker's place in the row, from 1. */
    number: Type.Integer({ minimum: 1 }),
    ca: Type.Optional(Type.String()),
    callerKeys: Type.Optional(callerKeys),
    /** Never to be logged, beside those in the settings. */
    secrets: Type.Array(Type.String()),
    identity: Type.Optional(identity),
    /** Where the unix socket is made, which all workers share. */
    socketPath: Type.Optional(Type.String()),
    logLevel: Type.String(),
    standing,
  }),
  standing: Type.Object({ type: Type.Literal('standing'), standing }),
  /** The answers to `get`. */
  got: Type.Object({ type: Type.Literal('got'), id: count, token, standing }),
  none: Type.Object({
    type: Type.Literal('none'),
    id: count,
    reason: Type.String(),
    retryAfterSeconds: Type.Number(),
    cause: Type.Optional(cause),
  }),
  'caller-keys': Type.Object({
    type: Type.Literal('caller-keys'),
    callerKeys,
    secrets: Type.Array(Type.String()),
  }),
  identity: Type.Object({ type: Type.Literal('identity'), identity }),
  'log-level': Type.Object({ type: Type.Literal('log-level'), level: Type.String() }),
  'report-please': Type.Object({ type: Type.Literal('report-please'), withProcess: Type.Boolean() }),
  drain: Type.Object({ type: Type.Literal('drain') }),
  end: Type.Object({ type: Type.Literal('end') }),
} satisfies Record<string, TSchema>

const fromWorker = {
  /** It runs, and waits for `start`. */
  hello: Type.Object({ type: Type.Literal('hello'), version: Type.String() }),
  listening: Type.Object({ type: Type.Literal('listening'), plain: count, secure: Type.Optional(count) }),
  /** It could not listen. */
  failed: Type.Object({
    type: Type.Literal('failed'),
    message: Type.String(),
    code: Type.Optional(Type.String()),
    port: Type.Optional(Type.Integer()),
  }),
  get: Type.Object({ type: Type.Literal('get'), id: count }),
  reject: Type.Object({ type: Type.Literal('reject'), token }),
  report: Type.Object({ type: Type.Literal('report'), report }),
  /** Everything is answered, or was cut short. */
  drained: Type.Object({ type: Type.Literal('drained'), isWhole: Type.Boolean(), report }),
} satisfies Record<string, TSchema>

type Values<T> = T[keyof T]
export type ToWorker = Values<{ [K in keyof typeof toWorker]: Static<(typeof toWorker)[K]> }>
export type FromWorker = Values<{ [K in keyof typeof fromWorker]: Static<(typeof fromWorker)[K]> }>
export type Standing = Static<typeof standing>
export type ToldCallerKeys = Static<typeof callerKeys>
export type ToldCause = Static<typeof cause>

/** Undefined for what is no such message. What a schema has accepted is of its type. */
export const readToWorker = (message: unknown) => (isOneOf(message, toWorker) ? (message as ToWorker) : undefined)
export const readFromWorker = (message: unknown) => (isOneOf(message, fromWorker) ? (message as FromWorker) : undefined)

function isOneOf(message: unknown, schemas: Readonly<Record<string, TSchema>>): boolean {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false
  const { type } = message
  const schema = typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined
  return schema !== undefined && Check(schema, message)
}

export function toldToken({ instanceUrl, identityUrl, ...token }: AccessToken): Static<typeof toWorker.got>['token'] {
  return {
    ...token,
    ...(instanceUrl !== undefined && { instanceUrl }),
    ...(identityUrl !== undefined && { identityUrl }),
  }
}

export function tokenTold({ instanceUrl, identityUrl, ...token }: Static<typeof toWorker.got>['token']): AccessToken {
  return { ...token, instanceUrl, identityUrl }
}

/** Why it could not listen, as the primary can tell the user: the system's error has a code and a port. */
export function failureOf(error: unknown): FromWorker {
  const { message, code, port } = error as Partial<NodeJS.ErrnoException & { port: number }>
  return {
    type: 'failed',
    message: message ?? String(error),
    ...(typeof code === 'string' && { code }),
    ...(typeof port === 'number' && { port }),
  }
}
