import { expect, test } from 'vitest'
import type { StoreEvent } from '../../src/token-store/patient-store.ts'
import { sealingKey } from '../../src/token-store/sealed-token.ts'
import { shareGrant } from '../../src/token-store/shared-grant.ts'
import type { SharedStore } from '../../src/token-store/shared-store.ts'
import { fingerprint } from '../../src/token/fingerprint.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { CountingGrant } from '../support/replica.ts'

/** A store in which somebody else has the lease for ever. */
const LEASED: SharedStore = {
  read: () => Promise.resolve(undefined),
  replace: () => Promise.resolve(true),
  acquire: () => Promise.resolve(false),
  release: () => Promise.resolve(),
  close: () => undefined,
}

function share(open: () => Promise<SharedStore>) {
  const [clock, grant, events] = [new FakeClock(), new CountingGrant(), [] as StoreEvent[]]
  const shared = shareGrant({
    grant,
    clock,
    open,
    assumedLifeMs: 7_200_000,
    sealingKey: () => Promise.resolve(sealingKey('secret', [])),
    onEvent: (event) => events.push(event),
    random: () => 0.5,
  })
  return { clock, grant, events, shared }
}

const never = new AbortController().signal

test('a replica that waits in vain for another one asks by itself after 20 seconds', async () => {
  const { clock, grant, shared } = share(() => Promise.resolve(LEASED))
  const asked = shared.request(never)
  await clock.advance(19_000)
  expect(grant.requests).toBe(0)
  await clock.advance(1100)
  expect((await asked).value).toBe('token-1')
})

test('a keeper that is closed while it waits waits no longer', async () => {
  const { clock, grant, shared } = share(() => Promise.resolve(LEASED))
  const closing = new AbortController()
  const asked = shared.request(closing.signal)
  const refused = expect(asked).rejects.toThrow('closed')
  await clock.advance(500)
  closing.abort(new Error('closed'))
  await refused
  expect(grant.requests).toBe(0)
  await shared.close()
})

test('a store that cannot be opened is left alone for five seconds, and told of once', async () => {
  let opened = 0
  const refused = Object.assign(new Error('redis:6379'), { code: 'ECONNREFUSED' })
  const failures = [refused, new Error('NOAUTH Authentication required.'), new TypeError('odd')]
  const { clock, grant, events, shared } = share(() => {
    const failure = failures[opened++]
    return failure === undefined
      ? Promise.resolve({ ...LEASED, acquire: () => Promise.resolve(true) })
      : Promise.reject(failure)
  })
  await shared.request(never)
  await shared.request(never)
  expect([opened, grant.requests]).toEqual([1, 2])
  expect(events).toEqual([{ type: 'store-unavailable', error: 'ECONNREFUSED' }])
  for (let n = 0; n < 3; n++) {
    await clock.advance(5001)
    await shared.request(never)
  }
  expect(opened).toBe(4)
  expect(events.at(-1)).toEqual({ type: 'store-available' })
  await shared.close()
})

test('a value that the endpoint vouches for again after its refusal is shared again', async () => {
  const written: string[] = []
  const store = {
    ...LEASED,
    acquire: () => Promise.resolve(true),
    replace: (key: string) => Promise.resolve(written.push(key) > 0),
  }
  const { grant, shared } = share(() => Promise.resolve(store))
  grant.next = () => 'the same'
  const fields = {
    reason: 'refused',
    format: 'opaque',
    lifeSeconds: 1,
    lifeSource: 'configured',
    afterFailures: 0,
  } as const
  for (let n = 0; n < 40; n++)
    shared.observe({
      type: 'refused',
      fingerprint: fingerprint(String(n)),
      ageSeconds: 1,
      isEarly: false,
      replacedInSeconds: 0,
    })
  shared.observe({
    type: 'refused',
    fingerprint: fingerprint('the same'),
    ageSeconds: 1,
    isEarly: false,
    replacedInSeconds: 0,
  })
  await shared.request(never)
  expect(written).toHaveLength(0)
  shared.observe({ type: 'obtained', fingerprint: fingerprint('the same'), ...fields })
  await shared.request(never)
  expect(written).toHaveLength(1)
})
