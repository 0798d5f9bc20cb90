import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { AnswerSink } from '../../src/server/answer-sink.ts'
import { Forwarding } from '../../src/server/forwarding.ts'
import { Attempt } from '../../src/upstream/attempt.ts'
import { BearerExchange } from '../../src/upstream/bearer-exchange.ts'
import { hotPath } from '../support/hot-path.ts'

test('of the requests that are over the last one is kept, and no other: code that was compiled for its like outlives a quiet moment', async () => {
  await using path = await hotPath()
  await path.ask(32)
  // A thorough collection each, then a count of what is left.
  const left = [AnswerSink, BearerExchange, Attempt, Forwarding].map((kind) => queryObjects(kind, { format: 'count' }))
  expect(left).toEqual([1, 1, 1, 1])
})
