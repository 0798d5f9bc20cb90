import { DEMAND_INTERVAL_MS, GRACE_MS } from './schedule.ts'
import type { RefreshReason } from './token-source.ts'

/** When the next token request is due, and until when callers need not wait for it. Every instant is steady milliseconds. */
export class RefreshPlan {
  #wantedAt = 0
  #notBefore = 0
  #askedAt = -Infinity
  #calmUntil = 0
  #reason: RefreshReason = 'start'

  get dueAt(): number {
    return Math.max(this.#wantedAt, this.#notBefore)
  }

  /** When the last request began. */
  get askedAt(): number {
    return this.#askedAt
  }

  get reason(): RefreshReason {
    return this.#reason
  }

  /** Until then a held token is sent without a thought; afterwards callers first wait for the attempt, which is overdue. */
  get calmUntil(): number {
    return this.#calmUntil
  }

  asked(now: number): void {
    this.#askedAt = now
  }

  /** A wish, which a hold still delays. */
  want(at: number, reason: RefreshReason): void {
    this.#wantedAt = at
    this.#reason = reason
  }

  /** No attempt before then, save on demand; callers keep calm over the attempt that follows. */
  hold(until: number): void {
    this.#notBefore = until
    this.keepCalm(until + GRACE_MS)
  }

  release(): void {
    this.#notBefore = 0
  }

  /** A person asks for an attempt now: not long after the last one (`paceMs` at least), but never later than it was due anyway. */
  demand(reason: 'operator' | 'reload', now: number, paceMs: number): void {
    const allowedAt = Math.max(now, this.#askedAt + Math.max(DEMAND_INTERVAL_MS, paceMs))
    this.want(Math.min(allowedAt, this.dueAt), reason)
  }

  calm(until: number): void {
    this.#calmUntil = until
  }

  keepCalm(until: number): void {
    this.#calmUntil = Math.max(this.#calmUntil, until)
  }
}
