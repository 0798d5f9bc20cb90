import { diagnose } from './diagnose.ts'
import { REQUEST_TIMEOUT_MS } from './schedule.ts'
import type { TokenState } from './token-state.ts'

/** Why there is no token, or no new one, in words fit for a caller: no secret, no text of the token endpoint's. */
export interface Pause {
  /** A noun phrase: what ends the pause. */
  readonly waitingFor: string
  /** ISO 8601. */
  readonly since: string
  /** When it is over at the latest, or when the next attempt is made. ISO 8601. */
  readonly until: string
  /** One sentence. */
  readonly reason: string
  /** What a person can do, one or two sentences. */
  readonly fix: string
}

interface Context {
  /** Steady milliseconds. */
  readonly now: number
  /** Epoch milliseconds. */
  readonly wallNow: number
  /** TOKEN_REQUESTS_PER_HOUR. */
  readonly limit: number
}

export function describePause(state: TokenState, context: Context): Pause {
  const { now, wallNow } = context
  const { waitingFor, since, until, reason, fix } = pauseOf(state, context)
  const instant = (at: number) => new Date(wallNow + at - now).toISOString()
  return { waitingFor, since: instant(since), until: instant(until), reason, fix }
}

/** For a 503: the reason, what is waited for, and what to do. */
export function pauseText({ waitingFor, since, until, reason, fix }: Pause): string {
  return `${reason} Waiting since ${since} for ${waitingFor}, until ${until}. ${fix}`
}

type Timed = Omit<Pause, 'since' | 'until'> & { since: number; until: number }

function pauseOf(state: TokenState, { now, limit }: Context): Timed {
  const { isAsking, plan, failure, heldBackSince, hasDied, held, shortLives, missingSince } = state
  const next = isAsking
    ? { waitingFor: "the login host's answer", until: plan.askedAt + REQUEST_TIMEOUT_MS }
    : { waitingFor: 'the next token request', until: Math.max(plan.dueAt, now) }
  if (heldBackSince !== undefined) {
    return {
      waitingFor: 'the hourly budget of token requests (TOKEN_REQUESTS_PER_HOUR)',
      since: heldBackSince,
      until: next.until,
      reason: `All ${limit} token requests that TOKEN_REQUESTS_PER_HOUR allows were made within the last hour.`,
      fix: 'Find out what ends the sessions so often (Setup > Login History, Session Settings), or raise TOKEN_REQUESTS_PER_HOUR.',
    }
  }
  if (failure !== undefined) {
    const { summary, fix } = diagnose(failure.error)
    return { ...next, since: failure.since, reason: summary, fix }
  }
  if (held !== undefined) {
    // Only a demand is kept waiting while all is well.
    return {
      ...next,
      since: plan.askedAt,
      reason:
        'A token request was made moments ago, or three quarters of TOKEN_REQUESTS_PER_HOUR have been made: the rest is spaced.',
      fix: 'Try again later.',
    }
  }
  if (!isAsking && plan.dueAt > now && shortLives > 0) {
    return {
      ...next,
      since: missingSince,
      reason: `The last ${shortLives} sessions ended as soon as they had begun, before they served any request.`,
      fix: 'Find out what ends them: Setup > Session Management, Login History of the Run As user.',
    }
  }
  return {
    ...next,
    since: missingSince,
    reason: hasDied
      ? 'Cloudaware confirmed that the session had ended, and a new token is being obtained.'
      : 'The first access token is still being obtained.',
    fix: 'If this lasts, see the log of the proxy, or run "cloudaware-proxy check".',
  }
}
