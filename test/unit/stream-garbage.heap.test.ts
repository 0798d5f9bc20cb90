import { expect, test } from 'vitest'
import { collectingStreamGarbage } from '../../src/stream-garbage.ts'

const MIB = 1024 * 1024

test('garbage is thrown out once for every eight megabytes that pass', () => {
  let collections = 0
  const onStreamed = collectingStreamGarbage(() => (collections += 1))
  for (let passed = 0; passed < 7; passed++) onStreamed(MIB)
  expect(collections).toBe(0)
  onStreamed(MIB)
  expect(collections).toBe(1)
  onStreamed(20 * MIB)
  onStreamed(MIB)
  expect(collections).toBe(2)
})

test('V8’s own collector frees the buffers that nobody holds, and leaves no gc() behind', () => {
  const onStreamed = collectingStreamGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 64; n++) Buffer.alloc(MIB).fill(1)
  const grown = process.memoryUsage().arrayBuffers - before
  onStreamed(8 * MIB)
  onStreamed(8 * MIB)
  const left = process.memoryUsage().arrayBuffers - before
  expect(left).toBeLessThan(Math.max(grown, 8 * MIB))
  expect(left).toBeLessThan(8 * MIB)
  expect('gc' in globalThis).toBe(false)
})
