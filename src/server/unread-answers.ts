import type { Clock } from '../clock.ts'
import { Lookout } from './lookout.ts'

/** So often is a caller seen to take nothing of its answer. The kernel tells of progress a megabyte at a time: two minutes are 10 kB/s. */
const MOST_LOOKS = 120

/** An answer whose caller has been sent as much as fits, and reads no further. */
export interface UnreadAnswer {
  /** Others wait for its connection. */
  giveUp(): void
}

export interface UnreadAnswersOptions {
  readonly clock: Clock
  /** How many requests wait for a connection to Cloudaware. */
  readonly waiting: () => number
}

/**
 * Callers who do not read their answers hold connections to Cloudaware. Those who have kept still for the longest lose theirs, one for each
 * request that waits; while nobody waits, nobody is hurried.
 */
export class UnreadAnswers {
  readonly #waiting: () => number
  /** With the looks that each has outlived: in the order of their coming, so the first has the most. */
  readonly #unread = new Map<UnreadAnswer, number>()
  readonly #lookout: Lookout

  constructor({ clock, waiting }: UnreadAnswersOptions) {
    this.#waiting = waiting
    this.#lookout = new Lookout(clock, () => {
      this.#look()
      return this.#unread.size > 0
    })
  }

  add(answer: UnreadAnswer): void {
    this.#unread.set(answer, 0)
    this.#lookout.wake()
  }

  delete(answer: UnreadAnswer): void {
    this.#unread.delete(answer)
  }

  close(): void {
    this.#lookout.close()
  }

  #look(): void {
    let wanted = this.#waiting()
    for (const [answer, looks] of this.#unread) {
      this.#unread.set(answer, looks + 1)
      if (wanted === 0 || looks + 1 < MOST_LOOKS) continue
      wanted -= 1
      this.#unread.delete(answer)
      answer.giveUp()
    }
  }
}
