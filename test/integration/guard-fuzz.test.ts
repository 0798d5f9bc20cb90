import { test } from 'vitest'
import { fuzzGuard } from '../support/guard-fuzz.ts'

test('20,000 messages, most of them damaged: no crash, no 5xx, nothing forbidden arrives, and one session on each that does', () =>
  fuzzGuard(20_000))
