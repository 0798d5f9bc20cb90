import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { hotPath } from '../support/hot-path.ts'

const ROUNDS = 10
const CONNECTIONS = 32
/** On each of them. */
const REQUESTS = 32

setFlagsFromString('--expose-gc')
const collect = runInNewContext('globalThis.gc') as NodeJS.GCFunction

const bytesOfOldObjects = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? NaN

test('what belonged to a request does not outlive it: collections of young objects carry next to nothing over', async () => {
  await using path = await hotPath({ connections: CONNECTIONS })
  // Twice survived is old.
  const round = async () => {
    await path.ask(REQUESTS)
    path.lines.length = 0
    collect({ type: 'minor' })
    collect({ type: 'minor' })
  }
  for (let n = 0; n < ROUNDS; n++) await round()
  collect({ type: 'major' })

  const before = bytesOfOldObjects()
  for (let n = 0; n < ROUNDS; n++) await round()

  // A request's objects come to some 8 kB, of which a busy Set of them carried 5 over.
  expect((bytesOfOldObjects() - before) / (ROUNDS * CONNECTIONS * REQUESTS)).toBeLessThan(2000)
})
