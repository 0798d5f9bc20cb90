import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { digestKeys } from '../../src/server/caller-key.ts'
import { withSessionsDue, type CallerSessions } from '../../src/server/sessions-due.ts'

const KEY = 'some-good-key'
const BY_KEY = { 'x-api-key': KEY }

function setUp() {
  const keys = digestKeys([{ name: 'etl', key: KEY }])
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const state = { areDerived: false, asked: 0, handled: [] as string[] }
  const sessions: CallerSessions = {
    current: () => keys,
    get areDerived() {
      return state.areDerived
    },
    async deriveSessions() {
      state.asked += 1
      await promise
      state.areDerived = true
    },
  }
  const handle = withSessionsDue((request) => {
    state.handled.push(request.url ?? '')
  }, sessions)
  return {
    state,
    derived: () => {
      resolve(undefined)
      return sessions.deriveSessions()
    },
    // All that is looked at.
    ask: (url: string, headers: Readonly<Record<string, string>>) => {
      const response = new EventEmitter()
      handle({ url, headers } as unknown as IncomingMessage, response as unknown as ServerResponse)
      return response
    },
  }
}

test.each(['/services/data', '/services/data/v67.0/query?q=SELECT+Id', '/services/data/v67.0/sobjects/A__c/a0B00'])(
  'a key and data: no session is waited for; they are derived after the answer (%s)',
  (url) => {
    const { state, ask } = setUp()
    const response = ask(url, BY_KEY)
    expect(state).toMatchObject({ handled: [url], asked: 0 })
    response.emit('close')
    expect(state).toMatchObject({ handled: [url], asked: 1 })
  },
)

test.each([
  ['a session', '/services/data/v67.0/limits', { authorization: `Bearer 00D000000000001!PROXY.${'ab'.repeat(32)}` }],
  ['a wrong key', '/services/data/v67.0/limits', { 'x-api-key': 'some-other-key' }],
  ['no key', '/services/data/v67.0/limits', {}],
  ['a login', '/services/oauth2/token', BY_KEY],
  ['SOAP', '/services/Soap/u/67.0', BY_KEY],
  ['a path that may be another', '/services/data/..%2f../services/oauth2/token', BY_KEY],
  ['a path that climbs', '/services/data/../oauth2/token', BY_KEY],
  ['an encoded path', '/services/data/%2e%2e/oauth2/token', BY_KEY],
])('%s is handled when the sessions are derived', async (_what, url, headers) => {
  const { state, ask, derived } = setUp()
  ask(url, headers)
  expect(state).toMatchObject({ handled: [], asked: 1 })
  await derived()
  expect(state.handled).toEqual([url])
  ask(url, headers)
  expect(state.handled).toEqual([url, url])
})

test('a request whose caller has left meanwhile is handled by nobody', async () => {
  const { state, ask, derived } = setUp()
  const response = ask('/services/oauth2/token', BY_KEY)
  Object.assign(response, { destroyed: true })
  await derived()
  expect(state.handled).toEqual([])
})

test('where there are no keys nothing stands before the handler', () => {
  const handle = () => undefined
  expect(withSessionsDue(handle, undefined)).toBe(handle)
})
