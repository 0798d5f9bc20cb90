import { StreamingExtension } from 'jsforce/api/streaming'
import { expect, test } from 'vitest'
import { emulatedOrg, type EmulatedOrg } from '../support/emulated-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { jsforceOn, streamingOn } from '../support/jsforce-client.ts'

const INSTANCE = 'CA10__CaAwsInstance__c'
const HANDSHAKE = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'], id: '1' }

interface Bayeux {
  readonly clientId: unknown
  send(message: object, cookie?: string): Promise<unknown[]>
}

/** A CometD client by hand, after its handshake. */
async function bayeux(org: EmulatedOrg): Promise<Bayeux> {
  const authorization = `OAuth ${org.emulator.org.sessions.open().token}`
  const post = (message: object, cookie = '') =>
    org.bare('/cometd/62.0', { method: 'POST', headers: { authorization, cookie }, body: JSON.stringify(message) })
  const hello = await post([HANDSHAKE])
  const own = hello.headers.getSetCookie().find((one) => one.startsWith('BAYEUX_BROWSER='))
  const [{ clientId } = { clientId: undefined }] = hello.json as { clientId: unknown }[]
  return {
    clientId,
    // Every answer is an array of messages.
    send: async (message, cookie = own) => (await post({ clientId, ...message }, cookie)).json as unknown[],
  }
}

test('jsforce subscribes, hears of what is published, and of records that change', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.cookieDomain = undefined
  const connection = jsforceOn(org.emulator)
  const client = streamingOn(connection)
  const first = Promise.withResolvers<unknown>()
  const changed = Promise.withResolvers<unknown>()
  await client.subscribe('/topic/Hosts', first.resolve)
  const changes = client.subscribe('/data/ChangeEvents', changed.resolve)
  await changes
  org.emulator.publish('/topic/Hosts', { event: { type: 'created' }, sobject: { Name: 'web-1' } })
  expect(await first.promise).toEqual({ event: { type: 'created', replayId: 1 }, sobject: { Name: 'web-1' } })
  const { id } = await connection.sobject(INSTANCE).create({ Name: 'fresh' })
  expect(await changed.promise).toMatchObject({
    payload: { ChangeEventHeader: { entityName: INSTANCE, changeType: 'CREATE', recordIds: [id] }, Name: 'fresh' },
    event: { replayId: 2 },
  })
  changes.cancel()
  await client.disconnect()
})

test('a subscriber can ask for the events that it has missed', async () => {
  await using org = await emulatedOrg()
  org.emulator.org.cookieDomain = undefined
  for (const n of [1, 2, 3]) org.emulator.publish('/event/Ping__e', { payload: { n } })
  const client = streamingOn(jsforceOn(org.emulator), [new StreamingExtension.Replay('/event/Ping__e', 1)])
  const heard: unknown[] = []
  const both = Promise.withResolvers<unknown>()
  await client.subscribe('/event/Ping__e', (event: { event: { replayId: number } }) => {
    if (heard.push(event.event.replayId) === 2) both.resolve(heard)
  })
  expect(await both.promise).toEqual([2, 3])
  await client.disconnect()
})

test('a connect is held until there is an event, or as long as the platform holds it', async () => {
  const clock = new FakeClock()
  await using org = await emulatedOrg({ clock })
  const client = await bayeux(org)
  const connect = { channel: '/meta/connect', connectionType: 'long-polling', id: '2' }
  expect(await client.send(connect)).toMatchObject([
    { channel: '/meta/connect', id: '2', successful: true, advice: { reconnect: 'retry', timeout: 110_000 } },
  ])
  await client.send({ channel: '/meta/subscribe', subscription: '/u/all' })
  const held = client.send(connect)
  await clock.waitForSleepers(1)
  org.emulator.publish('/u/all', { payload: 'x' })
  expect(await held).toMatchObject([{ channel: '/u/all', data: { payload: 'x' } }, { successful: true }])
  const idle = client.send(connect)
  await clock.waitForSleepers(1)
  await clock.advance(110_000)
  expect(await idle).toMatchObject([{ channel: '/meta/connect', successful: true }])
  await client.send({ channel: '/meta/unsubscribe', subscription: '/u/all' })
  const older = client.send(connect)
  await clock.waitForSleepers(1)
  const newer = client.send(connect)
  expect(await older).toHaveLength(1)
  await clock.waitForSleepers(1)
  expect(await client.send({ channel: '/meta/disconnect' })).toMatchObject([{ successful: true }])
  expect(await newer).toHaveLength(1)
})

test('a client that is unknown, or lost its cookie, is told to shake hands again', async () => {
  await using org = await emulatedOrg()
  const client = await bayeux(org)
  const connect = { channel: '/meta/connect', connectionType: 'long-polling' }
  const again = [{ error: '403::Unknown client', advice: { reconnect: 'handshake' }, successful: false }]
  expect(await client.send({ ...connect, clientId: 'nobody' })).toMatchObject(again)
  expect(await client.send(connect, 'BAYEUX_BROWSER=another')).toMatchObject(again)
  org.emulator.killSessions()
  const next = await bayeux(org)
  expect(await next.send({ ...connect, clientId: client.clientId })).toMatchObject(again)
})

test('a session that dies under a held connect ends it', async () => {
  const clock = new FakeClock()
  await using org = await emulatedOrg({ clock })
  const client = await bayeux(org)
  const connect = { channel: '/meta/connect', connectionType: 'long-polling', id: '7' }
  await client.send(connect)
  const held = client.send(connect)
  await clock.waitForSleepers(1)
  org.emulator.killSessions()
  expect(await held).toMatchObject([
    { channel: '/meta/connect', id: '7', error: '401::Authentication invalid', advice: { reconnect: 'none' } },
  ])
})

test('a handshake with a dead session is denied inside a 200, as is one without', async () => {
  await using org = await emulatedOrg()
  const shake = (headers: Record<string, string>) =>
    org.bare('/cometd/62.0/handshake', { method: 'POST', headers, body: JSON.stringify([HANDSHAKE]) })
  const dead = await shake({ authorization: 'OAuth 00D!dead' })
  expect(dead.status).toBe(200)
  expect(dead.json).toEqual([
    {
      ext: { sfdc: { failureReason: '401::Authentication invalid' }, replay: true },
      advice: { reconnect: 'none' },
      channel: '/meta/handshake',
      error: '403::Handshake denied',
      id: '1',
      successful: false,
    },
  ])
  expect((await shake({})).text).toContain('401::Request requires authentication')
})

test('what makes no sense is refused', async () => {
  await using org = await emulatedOrg()
  const client = await bayeux(org)
  expect(await client.send({ channel: '/meta/subscribe', subscription: '/nowhere' })).toMatchObject([
    { successful: false, error: '400::The channel you requested to subscribe to does not exist {/nowhere}' },
  ])
  expect(await client.send({ channel: '/u/all', data: {} })).toMatchObject([{ successful: false }])
  expect(await client.send({ ...HANDSHAKE, supportedConnectionTypes: ['websocket'] })).toMatchObject([
    { channel: '/meta/handshake', successful: false },
  ])
  org.emulator.org.fail('api-disabled', 1)
  expect(await client.send({ channel: '/meta/connect' })).toMatchObject([
    { error: '403::API is not enabled for this Organization or Partner' },
  ])
  const headers = { authorization: `OAuth ${org.emulator.org.sessions.open().token}` }
  expect((await org.bare('/cometd/62.0', { method: 'POST', headers, body: 'no JSON' })).text).toContain(
    'Unknown client',
  )
})

test('the emulator closes under a held connect, and publishes for those who only have its address', async () => {
  const org = await emulatedOrg()
  const client = await bayeux(org)
  await client.send({ channel: '/meta/connect', connectionType: 'long-polling' })
  await client.send({ channel: '/meta/subscribe', subscription: '/u/all' })
  const held = client.send({ channel: '/meta/connect', connectionType: 'long-polling' })
  const publish = await org.bare('/__emulator/publish?channel=/u/all', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"payload":"y"}',
  })
  expect(publish.json).toEqual({ replayId: 1 })
  expect(await held).toMatchObject([{ data: { payload: 'y' } }, {}])
  expect((await org.bare('/__emulator/publish', { method: 'POST', body: '{}' })).status).toBe(400)
  const cut = expect(client.send({ channel: '/meta/connect', connectionType: 'long-polling' })).rejects.toThrow()
  await org.emulator.close()
  await cut
})
