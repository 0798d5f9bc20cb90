import { Type, type Static } from 'typebox'
import type { Testimony } from '../inspector/witness.ts'

/* What a worker tells of itself: see messages.ts. */

export const count = Type.Integer({ minimum: 0 })

/** Amounts by label values. */
const counts = Type.Array(Type.Tuple([Type.Number(), Type.Array(Type.String())]))
const distributions = Type.Array(Type.Tuple([Type.String(), Type.Array(count), Type.Number()]))

/** What has been counted since the last time that this was told. */
const tally = Type.Object({
  requests: counts,
  received: counts,
  sent: counts,
  refusals: counts,
  errors: counts,
  exceptions: counts,
  deadSessions: counts,
  replays: counts,
  confirmations: counts,
  ownSeconds: distributions,
  upstreamSeconds: distributions,
  inFlight: count,
  limitInfo: Type.Optional(Type.String()),
})

const processMetric = Type.Object({
  name: Type.String(),
  help: Type.String(),
  type: Type.String(),
  aggregator: Type.String(),
  values: Type.Array(Type.Unknown()),
})

const secondPoint = Type.Object({
  at: Type.Number(),
  requests: count,
  failed: count,
  ownMs: Type.Number(),
  upstreamMs: Type.Union([Type.Null(), Type.Number()]),
})

const trouble = Type.Object({
  key: Type.String(),
  source: Type.Union([Type.Literal('token'), Type.Literal('session'), Type.Literal('request')]),
  code: Type.String(),
  summary: Type.String(),
  answered: Type.Union([Type.Null(), Type.String()]),
  steps: Type.Array(Type.Object({ where: Type.String(), text: Type.String() })),
  count,
  firstAt: Type.Number(),
  lastAt: Type.Number(),
  resolvedAt: Type.Union([Type.Null(), Type.Number()]),
  exchange: Type.Union([Type.Null(), Type.Number()]),
})

/** How a worker is, and what it has counted. */
export const report = Type.Object({
  load: Type.Object({ active: count, waiting: count, connected: count, heldBytes: count, heldBytesLimit: count }),
  tally,
  refusals: Type.Array(
    Type.Object({
      family: Type.Union([
        Type.Literal('rest'),
        Type.Literal('bulk1'),
        Type.Literal('soap'),
        Type.Literal('streaming'),
        Type.Literal('identity'),
      ]),
      diagnosis: Type.String(),
      since: Type.String(),
      last: Type.String(),
      count,
    }),
  ),
  /** For the status page: what was seen since the last time that this was told. */
  seen: Type.Unsafe<Testimony>(
    Type.Object({ seconds: Type.Array(secondPoint), troubles: Type.Optional(Type.Array(trouble)) }),
  ),
  /** The process's own metrics as prom-client gives them, where they were asked for. */
  process: Type.Optional(Type.Array(processMetric)),
})

export type Report = Static<typeof report>
