import fc from '../properties.ts'
import { bytesOf, KINDS, type KindName } from './asks.ts'
import type { Manner } from './visit.ts'

/** What the org does to one request, and how much of what. */
export interface Fate {
  readonly name: string
  readonly amount: number
}

export interface ClientAsk {
  readonly kind: KindName
  readonly fate: Fate
  /** Of the request's body, and of the answer's. */
  readonly padding: number
  readonly size: number
}

/** One client of a history. */
export interface Client {
  readonly listener: 'plain' | 'tls' | 'socket'
  readonly key: 'right' | 'wrong' | 'none'
  /** More than one are sent without waiting for answers. */
  readonly asks: readonly ClientAsk[]
  readonly isChunked: boolean
  /** Asks to be told before it sends a body, and sends it without waiting. */
  readonly expects: boolean
  readonly lengthIsOffBy: number
  /** The part of its bytes that it sends. */
  readonly sends: number
  readonly pieces: number
  readonly then: Manner['then']
  readonly leavesAfter: number | undefined
}

export interface History {
  /** Whether callers need a key. */
  readonly isKeyed: boolean
  /** Two connections to the org, so that requests wait for one. */
  readonly isTight: boolean
  readonly clients: readonly Client[]
  /** The org goes down once so many clients have acted, and comes back when all have. */
  readonly outageAfter: number | undefined
}

const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const exactly = <T>(value: T): fc.Arbitrary<T> => fc.constant(value)

export const FATES = [
  'ok',
  'slow',
  'hints',
  'continue',
  'early',
  'kill',
  'ends',
  'refuse',
  'early-close',
  'early-reset',
  'reset',
  'close',
  'stall',
  'deaf',
  'late-reset',
  'late-close',
  'long',
  'short',
  'garbage',
  'nonsense',
  'empty-401',
  'html-401',
  'busy',
] as const

const fate: fc.Arbitrary<Fate> = fc.record({
  name: weighted([2, exactly('ok')], [1, fc.constantFrom(...FATES)]),
  amount: fc.oneof(fc.nat(30), fc.nat(400)),
})

// The keys of a constant.
const kindNames = Object.keys(KINDS) as KindName[]

const clientAsk: fc.Arbitrary<ClientAsk> = fc.record({
  kind: fc.constantFrom(...kindNames),
  fate,
  padding: weighted([4, fc.nat(300)], [2, fc.nat(30_000)], [1, fc.constantFrom(150_000, 900_000)]),
  size: weighted([4, fc.nat(100)], [2, fc.nat(20_000)], [1, exactly(1_000_000)]),
})

export const client: fc.Arbitrary<Client> = fc.record({
  listener: weighted<Client['listener']>([3, exactly('plain')], [2, exactly('tls')], [1, exactly('socket')]),
  key: weighted<Client['key']>([4, exactly('right')], [1, fc.constantFrom('wrong', 'none')]),
  asks: weighted([4, fc.tuple(clientAsk)], [1, fc.array(clientAsk, { minLength: 2, maxLength: 4 })]),
  isChunked: fc.boolean(),
  expects: weighted([6, exactly(false)], [1, exactly(true)]),
  lengthIsOffBy: weighted([8, exactly(0)], [1, fc.integer({ min: -40, max: 40 })]),
  sends: weighted([2, exactly(1)], [1, fc.nat(1000).map((part) => part / 1000)]),
  pieces: fc.integer({ min: 1, max: 12 }),
  then: weighted<Client['then']>(
    [4, exactly('waits')],
    [2, fc.constantFrom('finishes', 'closes', 'resets', 'stops reading')],
  ),
  leavesAfter: weighted<number | undefined>([3, exactly(undefined)], [1, fc.nat(600)]),
})

export const history: fc.Arbitrary<History> = fc.record({
  isKeyed: fc.boolean(),
  isTight: weighted([3, exactly(false)], [1, exactly(true)]),
  clients: fc.array(client, { minLength: 1, maxLength: 30 }),
  outageAfter: weighted<number | undefined>([5, exactly(undefined)], [1, fc.nat(10)]),
})

/** One after the other on one connection, each with a name of its own for its answer to carry. */
export function mannerOf(
  client: Client,
  { key, nonces }: { key: string | undefined; nonces: readonly string[] },
): Manner {
  const { asks, isChunked, expects, lengthIsOffBy, pieces, then, leavesAfter } = client
  const requests = asks.map(({ kind, fate: { name, amount }, padding, size }, n) =>
    bytesOf({
      kind: KINDS[kind],
      query: `n=${nonces[n] ?? ''}&fate=${name}.${amount}&size=${size}`,
      padding,
      isChunked,
      lengthIsOffBy,
      fields: [
        ...(key === undefined ? [] : [`X-Api-Key: ${key}`]),
        ...(expects && 'body' in KINDS[kind] ? ['Expect: 100-continue'] : []),
      ],
    }),
  )
  const bytes = Buffer.concat(requests)
  const sends = Math.floor(bytes.length * client.sends)
  return { bytes, sends, pieces, then, leavesAfter, methods: asks.map(({ kind }) => KINDS[kind].method) }
}

const ANSWERED: ReadonlySet<string> = new Set([
  'ok',
  'slow',
  'hints',
  'continue',
  'early',
  'kill',
  'ends',
  'refuse',
  'busy',
])

/** Whether the client does nothing that would keep it from its answers, and the org gives each. */
export function isEntitled({ expects, asks, sends, then, leavesAfter, lengthIsOffBy, isChunked }: Client): boolean {
  const isRight = isChunked || lengthIsOffBy === 0 || asks.every(({ kind }) => !('body' in KINDS[kind]))
  // A connection ends with a response that came before its 100 Continue could be sent, whatever was sent behind.
  if (expects && asks.length > 1) return false
  const stays = sends === 1 && (then === 'waits' || then === 'finishes') && leavesAfter === undefined
  return isRight && stays && asks.every((ask) => isAnswered(ask))
}

/** More interim responses than these before an answer are an attack, and are refused. */
const MOST_HINTS = 100

function isAnswered({ kind, fate: { name, amount } }: ClientAsk): boolean {
  const { isAnswered: way } = KINDS[kind] as { isAnswered?: string } // absent from most
  if (name === 'hints' && amount > MOST_HINTS) return false
  return way !== undefined || ANSWERED.has(name)
}
