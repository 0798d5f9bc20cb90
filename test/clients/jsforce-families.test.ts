import { Connection } from 'jsforce'
import { StreamingExtension } from 'jsforce/api/streaming'
import { describe, expect, test } from 'vitest'
import { startDemoOrg, type DemoOrg } from '../support/demo-org.ts'
import { finished, streamingOn } from '../support/jsforce-client.ts'

/*
 * The families whose sessions do not travel in `Authorization: Bearer` alone, as jsforce's users call them:
 * with an instance URL and a token that means nothing.
 */

const INSTANCE = 'CA10__CaAwsInstance__c'

function through({ app }: DemoOrg): Connection {
  const connection = new Connection({ instanceUrl: app.url, loginUrl: app.url, accessToken: 'x', version: '62.0' })
  connection.bulk.pollInterval = 1
  return connection
}

describe('Bulk 1.0', () => {
  test('loads, queries, and goes on when the session is killed', async () => {
    await using demo = await startDemoOrg({ records: 300 })
    const { bulk } = through(demo)
    const tags = 'comma, "quote"\nand a new line'
    const loaded = await finished(
      bulk.load(INSTANCE, 'insert', {}, [
        { Name: 'one', CA10__tags__c: tags, CA10__cpuCount__c: '1' },
        { Name: 'two', CA10__tags__c: null, CA10__cpuCount__c: 'many' },
      ]),
    )
    expect(loaded).toMatchObject([{ success: true }, { success: false }])

    demo.emulator.killSessions()
    const [result] = await finished(bulk.load(INSTANCE, 'query', `SELECT Id, Name FROM ${INSTANCE}`))
    const records = await bulk
      .job(String(result?.jobId))
      .batch(String(result?.batchId))
      .result(String(result?.id))
      .toArray()
    expect(records).toHaveLength(301)
  })
})

describe('SOAP', () => {
  test('tells who runs, before and after the session is killed', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    const { soap } = through(demo)
    const { userId, username } = demo.emulator.org
    expect(await soap.getUserInfo()).toMatchObject({ userId, userName: username })
    demo.emulator.killSessions()
    expect(await soap.getUserInfo()).toMatchObject({ userId })
    expect(Date.parse((await soap.getServerTimestamp()).timestamp)).not.toBeNaN()
  })

  test('describes and lists metadata, and the session is killed in between', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    const { metadata } = through(demo)
    const described = await metadata.describe('62.0')
    expect(described.metadataObjects.map(({ xmlName }) => xmlName)).toContain('CustomObject')
    demo.emulator.killSessions()
    const listed = await metadata.list({ type: 'CustomObject' }, '62.0')
    expect(listed.map(({ fullName }) => fullName)).toContain(INSTANCE)
  })
})

describe('streaming', () => {
  test('hears of events and of changed records', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    const connection = through(demo)
    const client = streamingOn(connection)
    const first = Promise.withResolvers<unknown>()
    const changed = Promise.withResolvers<unknown>()
    await client.subscribe('/topic/Hosts', first.resolve)
    const changes = client.subscribe('/data/ChangeEvents', changed.resolve)
    await changes
    demo.emulator.publish('/topic/Hosts', { sobject: { Name: 'web-1' } })
    expect(await first.promise).toMatchObject({ sobject: { Name: 'web-1' } })
    const { id } = await connection.sobject(INSTANCE).create({ Name: 'fresh' })
    expect(await changed.promise).toMatchObject({ payload: { ChangeEventHeader: { recordIds: [id] } } })
    changes.cancel()
    await client.disconnect()
  })

  test('is told what it missed', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    for (const n of [1, 2, 3]) demo.emulator.publish('/event/Ping__e', { payload: { n } })
    const client = streamingOn(through(demo), [new StreamingExtension.Replay('/event/Ping__e', 1)])
    const heard: unknown[] = []
    const both = Promise.withResolvers<unknown>()
    await client.subscribe('/event/Ping__e', (event: { event: { replayId: number } }) => {
      if (heard.push(event.event.replayId) === 2) both.resolve(heard)
    })
    expect(await both.promise).toEqual([2, 3])
    await client.disconnect()
  })

  test('a handshake under a dead session comes about all the same', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    await demo.app.tokenEvent('obtained')
    demo.emulator.killSessions()
    const client = streamingOn(through(demo))
    const heard = Promise.withResolvers<unknown>()
    await client.subscribe('/u/all', heard.resolve)
    demo.emulator.publish('/u/all', { payload: 'x' })
    expect(await heard.promise).toMatchObject({ payload: 'x' })
    await client.disconnect()
  })

  test('goes on hearing when the session is killed under it', async () => {
    await using demo = await startDemoOrg({ records: 20 })
    const client = streamingOn(through(demo))
    const heard: string[] = []
    let news = Promise.withResolvers<undefined>()
    await client.subscribe('/u/all', ({ payload }: { payload: string }) => {
      heard.push(payload)
      news.resolve(undefined)
      news = Promise.withResolvers()
    })
    const next = news.promise
    demo.emulator.publish('/u/all', { payload: 'before' })
    await next
    demo.emulator.killSessions()
    // The client shakes hands and subscribes again by itself; what is published in between is not for it.
    const again = news.promise
    while (heard.length < 2) {
      demo.emulator.publish('/u/all', { payload: 'after' })
      await Promise.race([again, new Promise(setImmediate)])
    }
    expect(heard[1]).toBe('after')
    await client.disconnect()
  })
})
