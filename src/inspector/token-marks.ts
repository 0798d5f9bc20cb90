import type { TokenEvent } from '../token/token-source.ts'
import type { TokenMark } from './wire.ts'

const KEPT_MARKS = 100

type News = Omit<TokenMark, 'n' | 'at'>

/** What happened to the token lately, for its timeline. */
export class TokenMarks {
  readonly #marks: TokenMark[] = []
  #last = 0

  record(event: TokenEvent, now: number): void {
    const news = newsOf(event)
    if (news === undefined) return
    this.#last += 1
    this.#marks.push({ n: this.#last, at: now, ...news })
    if (this.#marks.length > KEPT_MARKS) this.#marks.shift()
  }

  after(n: number): TokenMark[] {
    return this.#marks.filter((mark) => mark.n > n)
  }
}

function newsOf(event: TokenEvent): News | undefined {
  switch (event.type) {
    case 'obtained': {
      const { fingerprint, lifeSeconds, reason, refusedBefore } = event
      const text = refusedBefore
        ? 'The login host returned a token that was dead, and Cloudaware accepts it again.'
        : `New token (${REASONS[reason]}).`
      return { kind: 'obtained', fingerprint, lifeSeconds, text }
    }
    case 'unchanged':
      return mark(
        'unchanged',
        event.fingerprint,
        'Refreshed: the login host gave the same token, which it does while it is valid.',
      )
    case 'failed':
      return mark('failed', event.serving ?? null, `Token request failed: ${event.diagnosis.summary}`)
    case 'refused':
      return mark('refused', event.fingerprint, 'Cloudaware confirmed that the session has ended.')
    case 'held-back':
      return mark('held-back', null, 'Token request held back: TOKEN_REQUESTS_PER_HOUR is used up.')
    case 'life-learned':
      return mark('note', null, `Tokens end sooner than assumed: ${event.lifeSeconds} s are assumed from now on.`)
    case 'secret-changed':
      return mark('note', null, 'The secret changed: it is tried.')
    default:
      return undefined
  }
}

const REASONS = {
  start: 'the first one',
  schedule: 'replaced before its end',
  refused: 'the last session had ended',
  retry: 'after a failure',
  operator: 'asked for by hand',
  reload: 'the secret had changed',
} as const

function mark(kind: TokenMark['kind'], fingerprint: string | null, text: string): News {
  return { kind, fingerprint, lifeSeconds: null, text }
}
