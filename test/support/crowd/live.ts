import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Received } from './answers.ts'
import { KINDS, type Kind } from './asks.ts'
import { isEntitled, mannerOf, type Client, type ClientAsk, type History } from './history.ts'
import { goodBody } from './org.ts'
import { visit, type Visit } from './visit.ts'
import { expectIdle, KEY, PATIENCE_MS, REPLAY_LIMIT, type World } from './world.ts'

interface Guest {
  readonly client: Client
  readonly nonces: readonly string[]
  readonly visit: Visit
}

/** Plays a history in a world and checks what must hold after any. `name` tells its requests from those of others. */
export async function live(world: World, history: History, name: string): Promise<void> {
  const { org } = world
  const before = { tokenRequests: org.tokenRequests, deaths: org.deaths }
  const hasOutage = history.outageAfter !== undefined && history.outageAfter < history.clients.length
  const isAmple = !history.isTight && !hasOutage
  let isCrowded = true
  let isReachable = !hasOutage
  let rounds = 0
  const wellBehaved = async () => {
    while (isCrowded) {
      const mayFail = !isReachable
      try {
        await world.wellBehaved()
        rounds += 1
      } catch (error) {
        // While nobody listens, nobody can be served.
        if (!mayFail) throw error
        await setImmediate()
      }
    }
  }
  const guests: Guest[] = history.clients.map((client, n) => {
    const nonces = client.asks.map((_, ask) => `${name}-${n}-${ask}`)
    const key = client.key === 'none' ? undefined : client.key === 'right' ? KEY : 'wrong-key'
    return { client, nonces, visit: visit(world.place(client.listener), mannerOf(client, { key, nonces })) }
  })
  const serving = wellBehaved()
  // Awaited below; until then a failure is not unhandled.
  serving.catch(() => undefined)
  let restore: (() => Promise<void>) | undefined
  try {
    await inTime('clients act', () =>
      Promise.all(
        guests.map(async ({ visit: { acted } }, n) => {
          await acted
          if (n !== history.outageAfter) return
          restore = await org.outage()
        }),
      ),
    )
    await restore?.()
    isReachable = true
    const waiting = isAmple ? guests.filter(({ client }) => isEntitled(client)) : []
    await inTime(
      'answers come',
      () => Promise.all(waiting.map((guest) => guest.visit.answered)),
      () => waiting.map(({ client, visit: guest }) => ({ client, whole: guest.answers().length })),
    )
  } finally {
    isCrowded = false
    for (const guest of guests) guest.visit.leave()
  }
  await inTime('the well-behaved client is served', () => serving)
  await inTime('the well-behaved client is served in the end', () => world.wellBehaved())
  await expectIdle(world)
  if (!hasOutage) expect(rounds, 'rounds of the well-behaved client').toBeGreaterThan(0)
  const hasDiedTwice = org.deaths > before.deaths + 1
  const circumstances = {
    isKeyed: history.isKeyed,
    isAmple,
    onLateRefusal: hasDiedTwice ? world.refusedLate : undefined,
  }
  for (const guest of guests) judge(guest, circumstances)
  expect(org.tokenRequestsAtOnce, 'token requests at once').toBeLessThanOrEqual(1)
  expect(org.tokenRequests - before.tokenRequests, 'token requests').toBeLessThanOrEqual(org.deaths - before.deaths)
}

async function inTime<T>(what: string, work: () => Promise<T>, detail: () => unknown = () => undefined): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`${what}: not within ${PATIENCE_MS} ms: ${JSON.stringify(detail())}`))
  }, PATIENCE_MS)
  try {
    return await Promise.race([work(), promise])
  } finally {
    clearTimeout(timer)
  }
}

/** No client has another's answer, or a part that looks like a whole; one that is entitled to answers has them. */
function judge({ client, nonces, visit }: Guest, { isKeyed, isAmple, onLateRefusal }: Circumstances): void {
  const received = readable(visit, client)
  const isAdmitted = !isKeyed || client.key === 'right'
  const isServed = isAmple && isEntitled(client)
  received.forEach((answer, n) => {
    const ask = client.asks[n]
    const seen = { status: answer.status, isWhole: answer.isWhole, body: answer.body.toString().slice(0, 300) }
    const nonce = nonces[n] ?? ''
    const problem =
      ask === undefined
        ? superfluous(answer, client)
        : (wrong(answer, { ask, nonce, isAdmitted }) ??
          (isServed && isAdmitted ? unserved(answer, { ask, nonce, onLateRefusal }) : undefined))
    if (problem !== undefined) throw new Error(`${problem}: ${JSON.stringify({ seen, n, client })}`)
  })
  const whole = received.filter(({ isWhole }) => isWhole).length
  if (isServed && whole < client.asks.length) throw new Error(`not answered: ${JSON.stringify({ whole, client })}`)
}

/** A client that sends more or less than it declared gets one error. */
function superfluous({ status, fields }: Received, client: Client): string | undefined {
  const isConfused = client.sends < 1 || client.lengthIsOffBy !== 0
  return isConfused && status === 400 && fields.get('connection') === 'close' ? undefined : 'an answer to no request'
}

function readable(visited: Visit, client: Client): Received[] {
  try {
    return visited.answers()
  } catch (cause) {
    throw new Error(`${String(cause)}: ${JSON.stringify(client)}`, { cause })
  }
}

interface Circumstances {
  readonly isKeyed: boolean
  /** Connections enough for all, and the org within reach. */
  readonly isAmple: boolean
  /** Where sessions have died: counts a refusal that the proxy could not prevent. */
  readonly onLateRefusal: (() => void) | undefined
}

interface Asked {
  readonly ask: ClientAsk
  readonly nonce: string
}

/** What is wrong with a response, to any client. */
function wrong(answer: Received, { ask, nonce, isAdmitted }: Asked & { isAdmitted: boolean }): string | undefined {
  const { fields, status, body, isWhole } = answer
  const text = body.toString()
  const from = fields.get('x-nonce')
  if (from === undefined) return text.includes('PROXY_INTERNAL_ERROR') ? 'a mistake of the proxy' : undefined
  if (!isAdmitted) return 'forwarded without the key'
  if (from !== nonce) return `the answer to ${from}`
  // What declares too little is cut by its own words.
  if (status !== 200 || !isWhole || ask.fate.name === 'short' || ask.kind === 'REST head') return undefined
  return text === goodBody(nonce, ask.size) || text.includes('"401::') ? undefined : 'a part that looks like the whole'
}

const REFUSED = /INVALID_SESSION_ID|InvalidSessionId|Bad_OAuth_Token|"401::/

/** What is wrong with an answer for a client that was entitled to a good one. */
function unserved(
  answer: Received,
  { ask, nonce, onLateRefusal }: Asked & Pick<Circumstances, 'onLateRefusal'>,
): string | undefined {
  const { status, fields, body } = answer
  // A constant of known shape; most members have no such property.
  const { isAnswered } = KINDS[ask.kind] as Kind
  if (isAnswered === 'never') return status === 403 ? undefined : 'not refused'
  // What is too large to be read or repeated is refused, and says so.
  if (ask.padding > REPLAY_LIMIT / 2 && fields.has('proxy-status')) return undefined
  if (isAnswered === 'locally') return status === 200 ? undefined : 'no login'
  // What the org will not say of its user, the proxy does.
  if (ask.kind === 'identity' && ask.fate.name === 'refuse') return status === 200 ? undefined : 'no identity'
  if (fields.get('x-nonce') !== nonce) return "not the org's answer"
  // Its own code may have written the refusal, so it is not sent again.
  if (ask.kind === 'Apex REST' && status === 401) return undefined
  if (ask.fate.name === 'refuse') return undefined
  if (onLateRefusal !== undefined && REFUSED.test(body.toString())) {
    onLateRefusal()
    return undefined
  }
  return status === (ask.fate.name === 'busy' ? 503 : 200) ? undefined : 'another status'
}
