import type { Exchange } from '../server/exchange.ts'
import type { TokenEvent } from '../token/token-source.ts'
import type { BearerEvent } from '../upstream/bearer-options.ts'
import type { Trouble } from './wire.ts'

const KEPT_TROUBLES = 30

type News = Pick<Trouble, 'key' | 'source' | 'code' | 'summary' | 'answered' | 'steps'> & { readonly exchange?: number }

/** The last things that went wrong, each kind once, with what mends it. */
export class Troubles {
  readonly #byKey = new Map<string, Trouble>()
  readonly #clean: (text: string) => string
  #changes = 0

  constructor(clean: (text: string) => string) {
    this.#clean = clean
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes
  }

  /** Latest first. */
  list(): Trouble[] {
    return [...this.#byKey.values()].reverse()
  }

  token(event: TokenEvent, now: number): void {
    if (event.type === 'obtained' || event.type === 'unchanged') this.#resolve('token', now)
    const news = ofToken(event)
    if (news) this.#note(news, now)
  }

  bearer(event: BearerEvent, now: number): void {
    if (event.type !== 'api-refused') return
    this.#note(
      {
        key: `session ${event.diagnosis}`,
        source: 'session',
        code: `the ${event.family} API`,
        summary: 'The API refuses the session for a reason that a new token cannot mend.',
        answered: null,
        steps: [{ where: 'What to do', text: event.diagnosis }],
      },
      now,
    )
  }

  /** `n`: the number of the exchange. */
  exchange({ problem }: Exchange, n: number, now: number): void {
    if (!problem) return
    this.#note(
      {
        key: `request ${problem.code}`,
        source: 'request',
        code: `${problem.code} ${problem.statusCode}`,
        summary: this.#clean(problem.message),
        answered: null,
        steps: [],
        exchange: n,
      },
      now,
    )
  }

  #note({ exchange, ...news }: News, now: number): void {
    const former = this.#byKey.get(news.key)
    // To the end of the map's order.
    this.#byKey.delete(news.key)
    this.#byKey.set(news.key, {
      ...news,
      count: (former?.count ?? 0) + 1,
      firstAt: former?.firstAt ?? now,
      lastAt: now,
      resolvedAt: null,
      exchange: exchange ?? null,
    })
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size > KEPT_TROUBLES && oldest !== undefined) this.#byKey.delete(oldest)
    this.#changes += 1
  }

  #resolve(source: Trouble['source'], now: number): void {
    for (const [key, trouble] of this.#byKey) {
      if (trouble.source !== source || trouble.resolvedAt !== null) continue
      this.#byKey.set(key, { ...trouble, resolvedAt: now })
      this.#changes += 1
    }
  }
}

function ofToken(event: TokenEvent): News | undefined {
  switch (event.type) {
    case 'failed': {
      const { diagnosis, error, description } = event
      return {
        key: `token ${diagnosis.code}`,
        source: 'token',
        code: diagnosis.code,
        summary: diagnosis.summary,
        answered: description === '' ? error : `${error}: ${description}`,
        steps: [
          { where: 'Connected App', text: diagnosis.fix },
          { where: 'External Client App', text: diagnosis.externalClientApp },
          { where: 'Login History shows', text: diagnosis.loginHistory },
        ],
      }
    }
    case 'held-back':
      return ofSetting('held-back', 'The hourly budget of token requests is used up: the next one waits.', {
        where: 'TOKEN_REQUESTS_PER_HOUR',
        text: `${event.requestsPerHour} are allowed. Find out why so many are needed before you raise it.`,
      })
    case 'instance-url-refused':
      return ofSetting('instance-url-refused', 'The token answer names a host that is not trusted: it is not used.', {
        where: 'CLOUDAWARE_TRUSTED_HOSTS',
        text: `List ${event.instanceUrl} there if it is yours.`,
      })
    case 'secret-unreadable':
      return ofSetting('secret-unreadable', 'A secret file cannot be read: the last good value is kept.', {
        where: event.name,
        text: `The file gives ${event.error}: check that it is there and readable.`,
      })
    default:
      return undefined
  }
}

function ofSetting(code: string, summary: string, step: Trouble['steps'][number]): News {
  return { key: `token ${code}`, source: 'token', code, summary, answered: null, steps: [step] }
}
