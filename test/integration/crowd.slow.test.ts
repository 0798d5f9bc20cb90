import { test } from 'vitest'
import { keepThrown, playHistories } from '../support/crowd/play.ts'

/* What crowd.test.ts does, for longer. */

const play = playHistories(keepThrown())

test('clients that misbehave harm nobody else, and leave nothing behind, for an hour or so', async () => {
  await play(Number(process.env.CROWD_HISTORIES ?? 5_000))
})
