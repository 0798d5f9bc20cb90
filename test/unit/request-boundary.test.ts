import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../src/logger.ts'
import { RequestBoundary } from '../../src/server/request-boundary.ts'
import { SharedStateError } from '../../src/shared-state.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function setUp() {
  const request = new IncomingMessage(new Socket())
  Object.assign(request, { method: 'GET', url: '/services/data' })
  const response = new ServerResponse(request)
  const lines: string[] = []
  const written: string[] = []
  vi.spyOn(response, 'end').mockImplementation((body: unknown) => {
    written.push(`${response.statusCode} ${String(body)}`)
    return response
  })
  const destroyed = vi.spyOn(response, 'destroy')
  let exceptions = 0
  const boundary = new RequestBoundary({
    request,
    response,
    log: createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } }),
    onException: () => (exceptions += 1),
  })
  boundary.requestId = 'the-request'
  return { response, boundary, lines, written, destroyed, exceptions: () => exceptions }
}

const fail = (message: string) => () => {
  throw new TypeError(message)
}

test('it is found by the response, which has one for as long as it lives', () => {
  const { boundary, response } = setUp()
  expect(RequestBoundary.of(response)).toBe(boundary)
  const other = new ServerResponse(new IncomingMessage(new Socket()))
  expect(() => RequestBoundary.of(other)).toThrow('did not come in through a boundary')
})

test('an exception before anybody works on the request is answered with 500, logged with its id, and counted', () => {
  const { boundary, lines, written, exceptions } = setUp()
  boundary.run(fail('a mistake'))
  expect(written).toEqual([expect.stringMatching(/^500 .*PROXY_INTERNAL_ERROR/)])
  expect(lines).toEqual([expect.stringMatching(/"level":50.*a mistake.*"reqId":"the-request"/)])
  expect(exceptions()).toBe(1)
})

test('a promise that is rejected is an exception as well', async () => {
  const { boundary, written } = setUp()
  boundary.run(() => Promise.reject(new TypeError('a mistake')))
  await new Promise(setImmediate)
  expect(written).toHaveLength(1)
})

test('an owner that cannot end it is no reason to leave its caller without an answer', () => {
  const { boundary, written, exceptions } = setUp()
  boundary.owner = { abort: fail('another') }
  boundary.run(fail('a mistake'))
  expect([written.length, exceptions()]).toEqual([1, 2])
})

test('once the response has begun the connection is cut; once it has ended, nothing is', () => {
  const begun = setUp()
  begun.response.writeHead(200)
  begun.boundary.run(fail('a mistake'))
  expect([begun.written, begun.destroyed.mock.calls.length]).toEqual([[], 1])
  const ended = setUp()
  ended.response.writeHead(200)
  vi.spyOn(ended.response, 'writableEnded', 'get').mockReturnValue(true)
  ended.boundary.run(fail('a mistake'))
  expect([ended.written, ended.destroyed.mock.calls.length, ended.exceptions()]).toEqual([[], 0, 1])
})

test('the owner is asked once to end it, however often something is thrown', () => {
  const { boundary, exceptions } = setUp()
  const abort = vi.fn()
  boundary.owner = { abort }
  boundary.run(fail('one'))
  boundary.run(fail('two'))
  expect([abort.mock.calls.length, exceptions()]).toEqual([1, 2])
})

test('at the end each piece of work is done, whatever is thrown by the others', () => {
  const { boundary, response } = setUp()
  const done: string[] = []
  boundary.atEnd(() => done.push('one'))
  boundary.atEnd(fail('two'))
  boundary.atEnd(() => done.push('three'))
  response.emit('close')
  expect(done).toEqual(['one', 'three'])
})

test('an exception out of shared state reaches the process too, even as the cause of another', () => {
  const { boundary } = setUp()
  const tasks: (() => void)[] = []
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => void tasks.push(task))
  const error = new Error('wrapped', { cause: new SharedStateError(new TypeError('a mistake')) })
  boundary.fail(error)
  expect(tasks).toHaveLength(1)
  expect(tasks[0]).toThrow(error)
})
