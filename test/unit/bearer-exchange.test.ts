import { PassThrough } from 'node:stream'
import type { Dispatcher } from 'undici'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { SharedStateError } from '../../src/shared-state.ts'
import type { AccessToken } from '../../src/token/token-source.ts'
import { bearer } from '../../src/upstream/bearer.ts'
import type { BearerOptions, ForwardOptions } from '../../src/upstream/bearer-options.ts'
import { ConnectionQueue } from '../../src/upstream/connection-queue.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { confirmsAs } from '../support/confirmation.ts'

/*
 * What no real connection can be made to do at a chosen moment: the order of a token, a place, a controller and a caller who leaves.
 */

const TOKEN: AccessToken = {
  value: 'first',
  fingerprint: 'print',
  format: 'opaque',
  instanceUrl: undefined,
  identityUrl: undefined,
  obtainedAt: 0,
}
const ticks = () => new Promise(setImmediate)

interface Dispatched {
  readonly options: Dispatcher.DispatchOptions
  readonly attempt: Required<
    Pick<
      Dispatcher.DispatchHandler,
      'onRequestStart' | 'onRequestSent' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'
    >
  >
}

class Attempted implements Dispatcher.DispatchController {
  readonly reason = null
  readonly rawHeaders: string[] = []
  readonly rawTrailers: string[] = []
  readonly calls: string[] = []
  aborted = false
  paused = false
  abort(): void {
    this.aborted = true
    this.calls.push('abort')
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
}

function setUp(options: Partial<BearerOptions> = {}) {
  const dispatched: Dispatched[] = []
  const log: string[] = []
  const queue = new ConnectionQueue({ places: 1, limit: 5, timeoutMs: 60_000, clock: systemClock })
  const intercept = bearer({
    tokens: { get: () => TOKEN, retire: ({ value }) => void log.push(`retired ${value}`) },
    confirmation: confirmsAs('dead'),
    originFor: () => 'https://org.invalid',
    queue,
    clock: systemClock,
    replayLimitBytes: 1000,
    bodyMemory: new BodyMemory({ totalBytes: 10_000 }),
    isStale: () => true,
    breach: () => undefined,
    onEvent: ({ type }) => void log.push(type),
    ...options,
  })
  const dispatch = intercept((sent, handler) => {
    dispatched.push({ options: sent, attempt: handler as Dispatched['attempt'] }) // ours has all of them
    return true
  })
  const controllers: Dispatcher.DispatchController[] = []
  const send = (
    name: string,
    path = '/services/data',
    body: PassThrough | null = null,
    method: 'GET' | 'POST' = 'POST',
  ) => {
    dispatch(
      { path, method, headers: [], body },
      {
        onRequestStart: (controller) => void controllers.push(controller),
        onResponseStart: (_, status) => void log.push(`${name}: ${status}`),
        onResponseData: (_, chunk) => void log.push(`${name}: ${chunk.toString()}`),
        onResponseEnd: () => void log.push(`${name}: end`),
        onResponseError: (_, error) => void log.push(`${name}: ${error.message}`),
      },
    )
    const controller = controllers.at(-1)
    if (!controller) throw new Error('the handler gets its controller before dispatch returns')
    return controller
  }
  return { dispatched, log, queue, send }
}

const gone = new Error('the caller left')

describe('an exchange', () => {
  test('aborted while it waits for its token is told at once, and the late token is not used', async () => {
    const late = Promise.withResolvers<AccessToken>()
    const { dispatched, log, queue, send } = setUp({ tokens: { get: () => late.promise, retire: () => undefined } })
    const controller = send('one')
    controller.abort(gone)
    controller.abort(gone)
    expect(log).toEqual(['one: the caller left'])
    expect([controller.aborted, controller.reason]).toEqual([true, gone])
    late.resolve(TOKEN)
    await ticks()
    expect([dispatched.length, queue.active]).toEqual([0, 0])
  })

  test('aborted while it waits, and whose token then fails, is told once', async () => {
    const late = Promise.withResolvers<AccessToken>()
    const { log, send } = setUp({ tokens: { get: () => late.promise, retire: () => undefined } })
    send('one').abort(gone)
    late.reject(new Error('no token'))
    await ticks()
    expect(log).toEqual(['one: the caller left'])
  })

  test('aborted between undici’s taking it and a connection ends when undici comes to it, and holds its place until then', () => {
    const { dispatched, log, queue, send } = setUp()
    send('one').abort(gone)
    expect([log, queue.active]).toEqual([['one: the caller left'], 1])
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    expect(undicis.calls).toEqual(['abort'])
    dispatched[0]?.attempt.onResponseError(undicis, gone)
    expect([log, queue.active]).toEqual([['one: the caller left'], 0])
  })

  test('aborted in the moment in which it is given a place gives the place on', async () => {
    const { dispatched, log, queue, send } = setUp()
    send('one')
    const second = send('two')
    send('three')
    dispatched[0]?.attempt.onResponseEnd(new Attempted(), {})
    second.abort(gone)
    await ticks()
    expect(log).toEqual(['one: end', 'two: the caller left'])
    expect([dispatched.length, queue.active, queue.waiting]).toEqual([2, 1, 0])
  })

  test('aborted while the head of its SOAP body is awaited never sends it', async () => {
    const { dispatched, log, queue, send } = setUp()
    const body = new PassThrough()
    send('one', '/services/Soap/u/62.0', body).abort(gone)
    body.end('<e:Envelope xmlns:e="x"><e:Header/><e:Body><q/></e:Body></e:Envelope>')
    await ticks()
    await ticks()
    expect([log, dispatched.length, queue.active]).toEqual([['one: the caller left'], 0, 0])
  })

  test('aborted while its token is being confirmed is reported once, and nothing is sent again; the dead token is retired', async () => {
    const { dispatched, log, queue, send } = setUp()
    const controller = send('one')
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    dispatched[0]?.attempt.onResponseStart(undicis, 401, {}, 'Unauthorized')
    dispatched[0]?.attempt.onResponseEnd(undicis, {})
    controller.abort(gone)
    await ticks()
    expect([log, dispatched.length, queue.active]).toEqual([['one: the caller left', 'retired first'], 1, 0])
  })

  test.each([
    ['alive', ['one: 401', 'one: end']],
    ['unknown', ['one: 401', 'one: end']],
    ['dead', ['retired first', 'session-replaced']],
  ] as const)(
    'whose token has been replaced meanwhile is sent again only where the old one is dead: %s',
    async (health, expected) => {
      let held = TOKEN
      const log: string[] = []
      const {
        dispatched,
        send,
        log: told,
      } = setUp({
        tokens: { get: () => held, retire: ({ value }) => void log.push(`retired ${value}`) },
        confirmation: confirmsAs(health),
      })
      send('one')
      held = { ...TOKEN, value: 'second' }
      const undicis = new Attempted()
      dispatched[0]?.attempt.onRequestStart(undicis, null)
      dispatched[0]?.attempt.onResponseStart(undicis, 401, {}, 'Unauthorized')
      dispatched[0]?.attempt.onResponseEnd(undicis, {})
      await ticks()
      expect([...log, ...told]).toEqual(expected)
      expect(dispatched).toHaveLength(health === 'dead' ? 2 : 1)
    },
  )

  test.each([
    ['/services/data/v62.0/x', 'Cloudaware could not be reached, so nothing was sent.'],
    // The org's own code has run, whatever it answered.
    ['/services/apexrest/x', 'The request may have been applied.'],
  ])(
    'sent again behind a refusal, and then not sent, was applied where the first may have been: %s',
    async (path, told) => {
      const { dispatched, log, send } = setUp({ isStale: () => false })
      send('one', path, null, 'GET')
      const undicis = new Attempted()
      dispatched[0]?.attempt.onRequestStart(undicis, null)
      dispatched[0]?.attempt.onRequestSent()
      dispatched[0]?.attempt.onResponseStart(undicis, 401, { 'content-type': 'application/json' }, 'Unauthorized')
      dispatched[0]?.attempt.onResponseData(undicis, Buffer.from('[{"errorCode":"INVALID_SESSION_ID"}]'))
      dispatched[0]?.attempt.onResponseEnd(undicis, {})
      await ticks()
      dispatched[1]?.attempt.onResponseError(undicis, new Error('refused'))
      expect(log.at(-1)).toContain(told)
    },
  )

  test('hands pauses on to the attempt that is under way, and to none before and after', () => {
    const { dispatched, send } = setUp()
    const controller = send('one')
    controller.pause()
    controller.resume()
    expect(controller.paused).toBe(false)
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    controller.pause()
    expect([undicis.paused, controller.paused]).toEqual([true, true])
    controller.resume()
    expect(undicis.paused).toBe(false)
    dispatched[0]?.attempt.onResponseEnd(undicis, {})
    controller.pause()
    expect([undicis.paused, controller.paused]).toEqual([false, false])
  })
})

describe('an exception', () => {
  const mistake = (): never => {
    throw new TypeError('a mistake')
  }

  function setUpThrowing(handler: Dispatcher.DispatchHandler, more: Partial<ForwardOptions>, options = {}) {
    const thrown: unknown[] = []
    const dispatched: Dispatched[] = []
    const queue = new ConnectionQueue({ places: 1, limit: 5, timeoutMs: 60_000, clock: systemClock })
    const intercept = bearer({
      tokens: { get: () => TOKEN, retire: () => undefined },
      confirmation: confirmsAs('dead'),
      originFor: () => 'https://org.invalid',
      queue,
      clock: systemClock,
      replayLimitBytes: 1000,
      bodyMemory: new BodyMemory({ totalBytes: 10_000 }),
      isStale: () => false,
      breach: () => undefined,
      onEvent: () => undefined,
      ...options,
    })
    const dispatch = intercept((sent, attempt) => {
      dispatched.push({ options: sent, attempt: attempt as Dispatched['attempt'] }) // ours has all five
      return true
    })
    const request = { path: '/services/data', method: 'GET' as const, headers: [], body: null }
    const onException = (error: unknown) => void thrown.push(error)
    dispatch({ ...request, onException, ...more }, handler)
    return { thrown, dispatched, queue }
  }

  test('as undici comes to the attempt ends it, and gives its place back', () => {
    const { thrown, dispatched, queue } = setUpThrowing({}, { onConnection: mistake })
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    expect([undicis.calls, thrown.length]).toEqual([['abort'], 1])
    dispatched[0]?.attempt.onResponseError(undicis, new Error('aborted'))
    expect([queue.active, thrown.length]).toEqual([0, 1])
  })

  test('that comes along as the failure of an attempt is no failure of the connection', () => {
    const failures: Error[] = []
    const onResponseError = (_: unknown, error: Error) => void failures.push(error)
    const { thrown, dispatched, queue } = setUpThrowing({ onResponseError }, {})
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    dispatched[0]?.attempt.onResponseError(undicis, new TypeError('a mistake'))
    expect([failures, thrown, queue.active]).toMatchObject([
      [{ code: 'PROXY_INTERNAL_ERROR' }],
      [{ message: 'a mistake' }],
      0,
    ])
  })

  test('over another is told as well', () => {
    const { thrown, queue } = setUpThrowing({ onResponseError: mistake }, {}, { originFor: mistake })
    expect([queue.active, thrown.length]).toEqual([0, 2])
  })

  test('without anybody to be told still ends the exchange', () => {
    const failures: Error[] = []
    const onResponseError = (_: unknown, error: Error) => void failures.push(error)
    const { queue } = setUpThrowing({ onResponseError }, { onException: undefined }, { originFor: mistake })
    expect([queue.active, failures]).toMatchObject([0, [{ code: 'PROXY_INTERNAL_ERROR' }]])
  })

  test('aborted in the very moment in which the session is in its SOAP body, it never sends it', async () => {
    const body = new PassThrough()
    const controllers: Dispatcher.DispatchController[] = []
    let pieces = 0
    const { dispatched, queue } = setUpThrowing(
      { onRequestStart: (controller) => void controllers.push(controller) },
      {
        path: '/services/Soap/u/62.0',
        method: 'POST',
        body,
        // Runs before the exchange learns that the body is ready, which the second piece makes it.
        onBody: () => {
          pieces += 1
          if (pieces === 2) queueMicrotask(() => controllers[0]?.abort(gone))
        },
      },
    )
    body.write('<e:Envelope ')
    await ticks()
    body.write('xmlns:e="x"><e:Header/><e:Body><q/></e:Body></e:Envelope>')
    await ticks()
    expect([dispatched.length, queue.active]).toEqual([0, 0])
  })

  test('out of the queue, which all requests share, reaches whoever counts it', () => {
    const queue = new ConnectionQueue({ places: 1, limit: 5, timeoutMs: 60_000, clock: systemClock })
    queue.enter = mistake
    const { thrown, dispatched } = setUpThrowing({}, {}, { queue })
    expect([thrown.length, dispatched.length]).toEqual([1, 0])
  })

  test('out of the token that is waited for does as well', async () => {
    const unknown = new SharedStateError(new TypeError('a mistake'))
    const tokens = { get: () => Promise.reject(unknown), retire: () => undefined }
    const { thrown, dispatched } = setUpThrowing({}, {}, { tokens })
    await ticks()
    expect([thrown, dispatched.length]).toEqual([[unknown], 0])
  })

  test('while a suspicion is looked into ends the exchange', async () => {
    const confirmation = { ...confirmsAs('dead'), check: () => Promise.reject(new TypeError('a mistake')) }
    const { thrown, dispatched, queue } = setUpThrowing({}, {}, { confirmation })
    const undicis = new Attempted()
    dispatched[0]?.attempt.onRequestStart(undicis, null)
    dispatched[0]?.attempt.onResponseStart(undicis, 401, {}, 'Unauthorized')
    dispatched[0]?.attempt.onResponseEnd(undicis, {})
    await ticks()
    expect([queue.active, thrown.length]).toEqual([0, 1])
  })
})

describe('a CometD answer of unknown length', () => {
  const refusal = JSON.stringify([
    {
      channel: '/meta/connect',
      successful: false,
      error: '401::Authentication invalid',
      advice: { reconnect: 'none' },
    },
  ])

  async function answered(...chunks: string[]) {
    const { dispatched, log, send } = setUp()
    send('one', '/cometd/62.0')
    const [sent] = dispatched
    const undicis = new Attempted()
    sent?.attempt.onRequestStart(undicis, null)
    sent?.attempt.onResponseStart(undicis, 200, {}, 'OK')
    for (const chunk of chunks) sent?.attempt.onResponseData(undicis, Buffer.from(chunk))
    const passed = [...log]
    sent?.attempt.onResponseEnd(undicis, {})
    await ticks()
    return { log, passed, sent: dispatched.length }
  }

  test('is held back where its first piece may be a refusal: the session is replaced, the request sent again', async () => {
    const { log, passed, sent } = await answered(refusal.slice(0, 90), refusal.slice(90))
    expect(refusal.slice(0, 90)).toContain('401::')
    expect([passed, log, sent]).toEqual([[], ['retired first', 'session-replaced'], 2])
  })

  test('flows with its first piece, and a refusal further on has the token replaced for the next request', async () => {
    const { log, passed, sent } = await answered(refusal.slice(0, 20), refusal.slice(20))
    expect(passed).toEqual(['one: 200', `one: ${refusal.slice(0, 20)}`, `one: ${refusal.slice(20)}`])
    expect([log, sent]).toEqual([[...passed, 'retired first', 'one: end'], 1])
  })

  test('that is empty passes at its end', async () => {
    expect((await answered()).log).toEqual(['one: 200', 'one: end'])
  })

  test('that carries events says nothing of the session, however long it is', async () => {
    expect((await answered('[{"channel":"/topic/x","data":"401::"}]')).log.at(-1)).toBe('one: end')
    const { log } = await answered(refusal, ' '.repeat(10_000), ' '.repeat(10_000))
    expect(log).not.toContain('retired first')
    expect(log.filter((line) => line.startsWith('one: 200'))).toHaveLength(1)
  })
})
