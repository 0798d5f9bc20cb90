import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import { BodyPace } from '../../src/server/body-pace.ts'
import { startFaulty, tokens, type Faulty } from '../support/exceptions.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { callerKeys } from '../support/guarded-app.ts'
import { ask } from '../support/http-client.ts'
import type { Answer } from '../support/origin-server.ts'
import { openRaw } from '../support/raw-http.ts'

/*
 * A mistake of our own, thrown wherever something enters our code for a request: that request fails, and nothing else.
 */

const DATA = '/services/data/v62.0/a'
const PARTNER = '/services/Soap/u/62.0'
const ENVELOPE = '<e:Envelope xmlns:e="x"><e:Header/><e:Body><create/></e:Body></e:Envelope>'
const OK: Answer = (request, response) => {
  request.on('error', () => undefined)
  request.resume().on('end', () => response.end('a whole answer'))
}
const KEY = { 'x-api-key': 'key-of-the-caller' }
const KEYS = callerKeys('key-of-the-caller')
const mistake = (): never => {
  throw new TypeError('a mistake')
}

/** Throws the first time that it is called. */
function atFirst<T>(rest: () => T): () => T {
  let isMade = false
  return () => {
    if (isMade) return rest()
    isMade = true
    return mistake()
  }
}

type Method = 'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'

/** The handler of the first request throws in one of its methods, before the real one is called or after. */
function thrownIn(method: Method, when: 'before' | 'after'): Partial<Faulty> {
  let count = 0
  return {
    around(handler) {
      count += 1
      if (count > 1) return handler
      // Some of undici's handler methods, each with parameters of its own, which are handed on.
      const real = handler as Record<Method, (...parameters: unknown[]) => void>
      const all = (name: Method) => [
        name,
        (...parameters: unknown[]) => {
          if (name === method && when === 'before') mistake()
          real[name](...parameters)
          if (name === method) mistake()
        },
      ]
      const names: Method[] = [
        'onRequestStart',
        'onResponseStart',
        'onResponseData',
        'onResponseEnd',
        'onResponseError',
      ]
      return Object.fromEntries(names.map(all)) as Dispatcher.DispatchHandler
    },
  }
}

const token = () => tokens.get()
const lateToken = () => new Promise<never>((_, reject) => setImmediate(reject, new TypeError('a mistake')))

interface Case {
  readonly name: string
  readonly faulty: Partial<Faulty>
  readonly path?: string
  readonly body?: string
  readonly answer?: Answer
  /** What the caller sees: 500 where no response has begun; a broken one, or a whole one where it had ended. */
  readonly sees: 500 | 502 | 'broken off' | 'whole'
}

const CASES: readonly Case[] = [
  { name: 'asking for a token', faulty: { tokens: { ...tokens, get: atFirst(token) } }, sees: 500 },
  {
    name: 'waiting for a token',
    faulty: { tokens: { ...tokens, get: firstOf(lateToken, token) } },
    sees: 500,
  },
  {
    name: 'using a token that was waited for',
    faulty: {
      tokens: { ...tokens, get: () => Promise.resolve(tokens.get()) },
      ...originOnce(),
    },
    sees: 500,
  },
  { name: 'choosing the origin', faulty: originOnce(), sees: 500 },
  { name: 'choosing the origin, with a body', faulty: originOnce(), body: 'body', sees: 500 },
  {
    name: 'choosing the origin, after the head of an envelope',
    faulty: originOnce(),
    path: PARTNER,
    body: ENVELOPE,
    sees: 500,
  },
  {
    name: 'a piece of a large body',
    faulty: { onStreamed: atFirst(() => undefined) },
    body: 'x'.repeat(50_000),
    sees: 500,
  },
  {
    name: 'a piece of a large envelope',
    faulty: { onStreamed: atFirst(() => undefined) },
    path: PARTNER,
    body: ENVELOPE.replace('<create/>', `<create>${'x'.repeat(50_000)}</create>`),
    sees: 500,
  },
  {
    name: 'a piece of a large answer',
    faulty: { onStreamed: atFirst(() => undefined) },
    answer: (_request, response) => {
      response.write(Buffer.alloc(50_000))
      response.end(Buffer.alloc(50_000))
    },
    sees: 'broken off',
  },
  {
    name: 'the origin of a Location',
    faulty: {
      upstreamOrigin: firstOf(
        () => 'https://upstream.invalid',
        mistake,
        () => 'https://upstream.invalid',
      ),
    },
    answer: (request, response) => {
      request.resume()
      response.writeHead(201, { location: 'https://org.example/x', 'content-length': 14 }).end('a whole answer')
    },
    sees: 500,
  },
  ...(['before', 'after'] as const).flatMap((when): Case[] => [
    { name: `${when} onRequestStart`, faulty: thrownIn('onRequestStart', when), sees: 500 },
    {
      name: `${when} onResponseStart`,
      faulty: thrownIn('onResponseStart', when),
      sees: when === 'before' ? 500 : 'broken off',
    },
    {
      name: `${when} onResponseData`,
      faulty: thrownIn('onResponseData', when),
      sees: when === 'before' ? 'broken off' : 'whole',
    },
    { name: `${when} onResponseEnd`, faulty: thrownIn('onResponseEnd', when), sees: 'whole' },
    {
      name: `${when} onResponseError`,
      faulty: thrownIn('onResponseError', when),
      answer: (request) => request.socket.destroy(),
      sees: when === 'before' ? 500 : 502,
    },
  ]),
  { name: 'judging the head', faulty: { callerKeys: firstOf(mistake, KEYS) }, sees: 500 },
  {
    name: 'judging the body',
    faulty: { callerKeys: firstOf(KEYS, mistake, KEYS), answersLogins: true },
    path: PARTNER,
    body: ENVELOPE,
    sees: 500,
  },
  { name: 'the observer of its end', faulty: { onEnded: atFirst(() => undefined) }, sees: 'whole' },
]

/** Each of these in turn, and the last one for ever. */
function firstOf<T>(...calls: (() => T)[]): () => T {
  let at = 0
  return () => {
    const call = calls[Math.min(at, calls.length - 1)]
    at += 1
    if (call === undefined) throw new Error('no call')
    return call()
  }
}

function originOnce(): Partial<Faulty> {
  let isMade = false
  return {
    onToken: () => {
      if (isMade) return
      isMade = true
      mistake()
    },
  }
}

test.each(CASES)('thrown at $name: that request fails, the next one is served, and nothing is kept', async (fault) => {
  const { faulty, path = DATA, body, answer = OK, sees } = fault
  let isFirst = true
  await using proxy = await startFaulty((request, response) => {
    if (isFirst) answer(request, response)
    else OK(request, response)
    isFirst = false
  }, faulty)
  const question = { path, method: body === undefined ? 'GET' : 'POST', ...(body !== undefined && { body }) }
  const first = ask(proxy.port, path, { ...question, headers: { 'x-request-id': 'the-first' } })
  if (sees === 'broken off') await expect(first).rejects.toMatchObject({ code: 'ECONNRESET' })
  else {
    const reply = await first
    expect(reply.status).toBe(sees === 'whole' ? 200 : sees)
    if (sees === 500) expect(reply.text).toContain('PROXY_INTERNAL_ERROR')
    if (sees === 'whole') expect(reply.text).toBe('a whole answer')
    expect(reply.headers['x-request-id']).toBe('the-first')
  }
  isFirst = false
  expect((await ask(proxy.port, path, { ...question, headers: KEY })).text).toBe('a whole answer')
  await expect.poll(() => [proxy.load(), proxy.inFlight()]).toEqual([{ active: 0, waiting: 0, heldBytes: 0 }, 0])
  expect(proxy.exceptions()).toBe(1)
  const loud = proxy.lines().filter(({ level }) => Number(level) >= 50)
  expect(loud).toMatchObject([{ reqId: 'the-first', msg: 'an exception while a request was served' }])
})

test('thrown in a waiting request: those behind it are served', async () => {
  let isHeld = true
  const held: (() => void)[] = []
  await using proxy = await startFaulty(
    (request, response) => {
      request.resume()
      if (isHeld) held.push(() => response.end('held'))
      else response.end('a whole answer')
    },
    { tokens: { ...tokens, get: firstOf(token, token, token, mistake, token) } },
  )
  const first = ask(proxy.port, DATA)
  await expect.poll(() => held.length).toBe(1)
  const second = ask(proxy.port, DATA)
  await expect.poll(() => proxy.load().waiting).toBe(1)
  const third = ask(proxy.port, DATA)
  await expect.poll(() => proxy.load().waiting).toBe(2)
  isHeld = false
  held[0]?.()
  expect([(await first).text, (await second).status, (await third).text]).toEqual(['held', 500, 'a whole answer'])
  expect(proxy.load()).toEqual({ active: 0, waiting: 0, heldBytes: 0 })
})

test('thrown by the periodic look at bodies: that request fails, and the others are looked at', async () => {
  const clock = new FakeClock()
  const pace = new BodyPace({ clock, silenceMs: 30_000 })
  const failed: unknown[] = []
  const looked: string[] = []
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  const boundary = {
    run(work: () => void) {
      try {
        work()
      } catch (error) {
        failed.push(error)
      }
    },
    atEnd: () => undefined,
  }
  const watch = (bytesOut: () => number) => pace.watch({ request, response, boundary, bytesOut, onTooSlow: mistake })
  watch(mistake)
  watch(() => looked.push('the other'))
  await clock.advance(1000)
  expect([looked, failed]).toEqual([['the other'], [new TypeError('a mistake')]])
  pace.close()
})

test('thrown while its caller leaves: nobody is answered, and nothing is kept', async () => {
  await using proxy = await startFaulty((request) => void request.resume(), { onEnded: atFirst(() => undefined) })
  using caller = openRaw(proxy.port)
  caller.socket.write(`POST ${DATA} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nhalf`)
  await expect.poll(() => proxy.load().active).toBe(1)
  caller.socket.destroy()
  await once(caller.socket, 'close')
  await expect.poll(() => proxy.load()).toEqual({ active: 0, waiting: 0, heldBytes: 0 })
  expect(proxy.exceptions()).toBe(1)
})
