import { expect, test } from 'vitest'
import { digestKeys } from '../../src/server/caller-key.ts'
import { callerFinder } from '../../src/server/known-callers.ts'

const keys = digestKeys([
  { name: 'one', key: 'the-key-of-one-0123' },
  { name: 'two', key: 'the-key-of-two-0123' },
])

test('a caller is found by the key of each request, whatever the connection has presented before', () => {
  const find = callerFinder()
  const connection = {}
  const ask = (headers: Record<string, string>) => find(connection, keys, headers)
  expect(ask({ 'x-api-key': 'the-key-of-one-0123' })).toBe('one')
  expect(ask({ 'x-api-key': 'the-key-of-one-0123' })).toBe('one')
  expect(ask({ 'x-api-key': 'the-key-of-two-0123' })).toBe('two')
  expect(ask({ 'x-api-key': 'the-key-of-two-0124' })).toBeUndefined()
  expect(ask({ 'x-api-key': 'the-key-of-two-012' })).toBeUndefined()
  expect(ask({})).toBeUndefined()
  expect(ask({ authorization: 'Bearer the-key-of-one-0123' })).toBe('one')
  expect(ask({ authorization: 'Bearer the-key-of-one-0123', 'x-api-key': 'nonsense' })).toBe('one')
  expect(ask({ cookie: 'sid=the-key-of-two-0123' })).toBe('two')
  expect(ask({ cookie: 'sid=the-key-of-two-0123', 'x-sfdc-session': 'x' })).toBe('two')
  expect(ask({ 'x-sfdc-session': 'x' })).toBeUndefined()
})

test('a key that is good no more is not remembered, and one connection knows nothing of another', () => {
  const find = callerFinder()
  const connection = {}
  const headers = { 'x-api-key': 'the-key-of-one-0123' }
  expect(find(connection, keys, headers)).toBe('one')
  expect(find(connection, digestKeys([{ name: 'two', key: 'the-key-of-two-0123' }]), headers)).toBeUndefined()
  expect(find({}, [], headers)).toBeUndefined()
  expect(find(connection, keys, headers)).toBe('one')
})

test('what is too long to be remembered is found all the same', () => {
  const key = 'k'.repeat(600)
  const [find, connection, held] = [callerFinder(), {}, digestKeys([{ name: 'long', key }])]
  for (let n = 0; n < 2; n++) expect(find(connection, held, { 'x-api-key': key })).toBe('long')
})
