import { test } from 'vitest'
import { fuzzGuard } from '../support/guard-fuzz.ts'

test('half a million damaged messages bring nothing forbidden to the org', () => fuzzGuard(500_000))
