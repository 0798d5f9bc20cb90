/*
 * What the admin listener tells the status page, as JSON. Types only, shared with the page's own code.
 * Instants are epoch milliseconds.
 */
import type { TokenStatus } from '../token/token-status.ts'

/** A body as it is shown. `bytes` is its length on the wire. */
export type ShownBody =
  | { readonly kind: 'none' }
  /** There is one, and INSPECT is not set. */
  | { readonly kind: 'unasked'; readonly bytes: number }
  | { readonly kind: 'binary'; readonly bytes: number; readonly type: string }
  | {
      readonly kind: 'text'
      readonly bytes: number
      readonly type: string
      /** Decoded and redacted; at most the first 16 Ki characters. */
      readonly text: string
      readonly isCut: boolean
      readonly isRedacted: boolean
      /** The content coding it was decoded from, such as gzip. */
      readonly coding: string | null
    }

export interface ExchangeSummary {
  /** Counts up from 1. */
  readonly n: number
  readonly id: string
  readonly startedAt: number
  readonly method: string
  /** In the list only its beginning. */
  readonly target: string
  readonly family: string
  /** Null where the caller left before there was an answer. */
  readonly status: number | null
  readonly ms: number
  /** Null where nothing was sent. */
  readonly upstreamMs: number | null
  readonly bytesIn: number
  readonly bytesOut: number
  readonly caller: string | null
  /** The session died under it, and it was sent once more. */
  readonly isResent: boolean
  readonly isBrokenOff: boolean
  /** Why the proxy answered itself. */
  readonly problem: { readonly code: string; readonly message: string } | null
  /** The exchange that this one repeats, by the wish of somebody at the page. */
  readonly replayOf: number | null
}

export type Field = readonly [name: string, value: string]

export interface ExchangeDetail extends ExchangeSummary {
  readonly sfdcRequestId: string | null
  /** As sent to Cloudaware, without the session; null where the request was refused before. */
  readonly requestHeaders: readonly Field[] | null
  /** As sent to the caller; null where the proxy answered itself. */
  readonly answerHeaders: readonly Field[] | null
  readonly requestBody: ShownBody
  readonly answerBody: ShownBody
  readonly replay: ReplayOffer
}

/** Whether the exchange can be repeated: why not, or whether a person has to agree first since it could change something. */
export type ReplayOffer =
  { readonly kind: 'impossible'; readonly why: string } | { readonly kind: 'safe' } | { readonly kind: 'ask' }

/** One second of traffic; seconds without any are left out. */
export interface SecondPoint {
  /** Epoch seconds. */
  readonly at: number
  readonly requests: number
  /** Of them: broken off, or answered 5xx. */
  readonly failed: number
  /** 95th percentile of the proxy's own time, ms. */
  readonly ownMs: number
  /** 95th percentile of the upstream's time, ms; null where nothing was sent. */
  readonly upstreamMs: number | null
}

/** Something that happened to the token. */
export interface TokenMark {
  readonly n: number
  readonly at: number
  readonly kind: 'obtained' | 'unchanged' | 'failed' | 'refused' | 'held-back' | 'note'
  readonly fingerprint: string | null
  /** Of a new token. */
  readonly lifeSeconds: number | null
  /** One sentence. */
  readonly text: string
}

/** What went wrong, with what mends it; the same trouble again is counted. */
export interface Trouble {
  readonly key: string
  readonly source: 'token' | 'session' | 'request'
  readonly code: string
  /** What is wrong, one sentence. */
  readonly summary: string
  /** In the words of the other side. */
  readonly answered: string | null
  /** What to do, and where. */
  readonly steps: readonly { readonly where: string; readonly text: string }[]
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** When it was over; null where it may last. */
  readonly resolvedAt: number | null
  /** The exchange that met it last. */
  readonly exchange: number | null
}

export interface ApiAllowance {
  readonly scope: 'org' | 'app'
  readonly used: number
  readonly total: number
}

export interface Overview {
  readonly version: string
  readonly url: string | null
  readonly upstream: string
  readonly startedAt: string
  readonly isDraining: boolean
  readonly token: TokenStatus
  readonly connections: { readonly active: number; readonly waiting: number }
}

/** Sent each half second, and first of all with everything there is (`isWhole`). */
export interface Update {
  readonly isWhole: boolean
  readonly now: number
  readonly overview: Overview
  readonly allowance: readonly ApiAllowance[]
  readonly seconds: readonly SecondPoint[]
  readonly marks: readonly TokenMark[]
  readonly troubles: readonly Trouble[]
  /** Oldest first; null where this viewer may not see them, `inspector` says why. */
  readonly exchanges: readonly ExchangeSummary[] | null
  readonly inspector: {
    /** INSPECT is set. */
    readonly keepsBodies: boolean
    /** Callers have to present a key, and so has whoever replays. */
    readonly asksForKey: boolean
    readonly closedBecause: string | null
    readonly kept: number
  }
}
