import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { client, mannerOf } from '../../test/support/crowd/history.ts'
import { visit } from '../../test/support/crowd/visit.ts'
import type { Soaked } from './processes.ts'
import type { Tally } from './tally.ts'

export interface Part {
  readonly soaked: Soaked
  readonly tally: Tally
  readonly isOver: () => boolean
  /** Which of the clients of its kind. */
  readonly n: number
}

/** How long one that waits for an answer, or reads none, stays. */
const STAYS_MS = [0, 5, 50, 500]

/** The clients of the crowd test, one after the other: each does its worst, and leaves. What it gets is nobody's concern. */
export async function misbehave({ soaked, tally, isOver, n }: Part): Promise<void> {
  const place = { at: soaked.port }
  for (let round = 0; !isOver(); round++) {
    for (const one of fc.sample(client, { seed: n * 10_000 + round, numRuns: 50 })) {
      if (isOver()) return
      const nonces = one.asks.map((_, ask) => `${n}-${round}-${ask}`)
      const guest = visit(place, mannerOf(one, { key: undefined, nonces }))
      await Promise.race([guest.acted, sleep(500)])
      await Promise.race([guest.answered, sleep(STAYS_MS[tally.misbehaved % STAYS_MS.length])])
      guest.leave()
      tally.misbehaved += 1
      await sleep(20)
    }
  }
}
