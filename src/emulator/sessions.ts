import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** A session of the org, as its owner's access token opens it. */
export interface Session {
  readonly token: string
  readonly createdAt: number
  lastActiveAt: number
  /** Set for a session that ends at a fixed instant, however much it is used: a JWT-based one, or any where `lifetimeMs` is set. */
  readonly expiresAt: number | undefined
}

export const isJwt = (token: string) => token.startsWith('eyJ')

/**
 * The org's sessions. An idle timeout with the half-life rule: activity only counts once half the timeout has passed,
 * so two hours with one call after half an hour still end after two hours.
 */
export class Sessions {
  readonly #clock: Clock
  readonly #live = new Map<string, Session>()
  readonly #orgId15: string
  readonly #onEnd: (() => void)[] = []
  timeoutMs: number
  /** A fixed lifetime for sessions to come, instead of the idle timeout. */
  lifetimeMs: number | undefined

  constructor(clock: Clock, orgId15: string, timeoutMs: number) {
    this.#clock = clock
    this.#orgId15 = orgId15
    this.timeoutMs = timeoutMs
  }

  /** The live opaque session, the identical one while it lives, or a new one. Coming back for it is no activity. */
  open(): Session {
    for (const session of this.#live.values()) {
      if (!isJwt(session.token) && this.#isLive(session)) return session
    }
    return this.openAnother()
  }

  /** A session beside those that live, as a login by password opens it. */
  openAnother(): Session {
    return this.add(`${this.#orgId15}!AQ${opaque(94)}`)
  }

  add(token: string, expiresAt = this.#fixedEnd()): Session {
    for (const [old, session] of this.#live) if (!this.#isLive(session)) this.#live.delete(old)
    const now = this.#clock.now()
    const session: Session = { token, createdAt: now, lastActiveAt: now, expiresAt }
    this.#live.set(token, session)
    return session
  }

  /** The session of this token where it is alive; does not count as activity. */
  find(token: string): Session | undefined {
    const session = this.#live.get(token)
    if (session === undefined) return undefined
    if (this.#isLive(session)) return session
    this.#live.delete(token)
    return undefined
  }

  /** Like find, for a request of the API: this is activity. */
  use(token: string): Session | undefined {
    const session = this.find(token)
    const now = this.#clock.now()
    if (session !== undefined && now - session.lastActiveAt >= this.timeoutMs / 2) session.lastActiveAt = now
    return session
  }

  /** When the session ends if nobody uses it any more, epoch milliseconds. */
  endsAt(session: Session): number {
    return session.expiresAt ?? session.lastActiveAt + this.timeoutMs
  }

  end(token: string): boolean {
    const isLive = this.#live.delete(token)
    this.#tell()
    return isLive
  }

  endAll(): void {
    this.#live.clear()
    this.#tell()
  }

  /** Calls the listener whenever sessions have been ended from outside. */
  onEnd(listener: () => void): void {
    this.#onEnd.push(listener)
  }

  get count(): number {
    return [...this.#live.values()].filter((session) => this.#isLive(session)).length
  }

  #tell(): void {
    for (const listener of this.#onEnd) listener()
  }

  #fixedEnd(): number | undefined {
    return this.lifetimeMs === undefined ? undefined : this.#clock.now() + this.lifetimeMs
  }

  #isLive(session: Session): boolean {
    return this.#clock.now() < this.endsAt(session)
  }
}

/** Letters, digits, dots and underscores: the alphabet of a session id after its exclamation mark. */
function opaque(length: number): string {
  return randomBytes(length).toString('base64').replaceAll('+', '.').replaceAll('/', '_').slice(0, length)
}
