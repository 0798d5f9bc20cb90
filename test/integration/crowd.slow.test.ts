import { test } from 'vitest'
import { keepThrown, playHistories } from '../support/crowd/play.ts'

/* What crowd.test.ts does, for longer. */

const play = playHistories(keepThrown())

test('whoever misbehaves, the others are served, and nothing is left behind, for an hour or so', async () => {
  await play(Number(process.env.CROWD_HISTORIES ?? 5_000))
})
