import { expect, test } from 'vitest'
import { largeBodies } from '../support/large-bodies.ts'

const MIB = 1024 * 1024

/** What the buffers between the two connections may hold, and the garbage that has not been collected yet. */
const MOST_ABOVE_REST_MIB = 64

test('a body of 256 MiB, either way, is never held: memory stays within 64 MiB of rest', async () => {
  const runs = await largeBodies(256 * MIB)
  expect(runs.map(({ direction, bytes }) => [direction, bytes])).toEqual([
    ['download', 256 * MIB],
    ['upload', 256 * MIB],
  ])
  for (const { rest, peak } of runs) expect(peak - rest).toBeLessThan(MOST_ABOVE_REST_MIB)
})
