import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { madeLater } from '../../src/server/admin/made-later.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function counting() {
  const seen = { made: 0, handled: 0, ended: 0, closed: 0 }
  const make = () => {
    seen.made += 1
    return Promise.resolve({
      handle: () => void (seen.handled += 1),
      endStreams: () => void (seen.ended += 1),
      close: () => Promise.resolve(void (seen.closed += 1)),
    })
  }
  return { seen, make }
}

const request = new IncomingMessage(new Socket())
const exchange = [request, new ServerResponse(request)] as const

test('is made in its time, so that the first who asks waits for nothing', async () => {
  const { seen, make } = counting()
  const server = madeLater({ make, afterMs: 500 })
  await vi.advanceTimersByTimeAsync(499)
  expect(seen.made).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(seen.made).toBe(1)
  server.handle(...exchange)
  expect(seen.handled).toBe(1)
  await server.close()
  expect(seen).toEqual({ made: 1, handled: 1, ended: 0, closed: 1 })
})

test('is made once for all who ask sooner, and holds nothing up', async () => {
  const { seen, make } = counting()
  const server = madeLater({ make, afterMs: 500 })
  server.endStreams()
  server.handle(...exchange)
  server.handle(...exchange)
  await vi.advanceTimersByTimeAsync(1000)
  server.endStreams()
  expect(seen).toEqual({ made: 1, handled: 2, ended: 1, closed: 0 })
})

test('closed before its time it is never made', async () => {
  const { seen, make } = counting()
  const server = madeLater({ make, afterMs: 500 })
  await server.close()
  await vi.advanceTimersByTimeAsync(1000)
  expect(seen.made).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('without a time it waits for somebody to ask', () => {
  const { seen, make } = counting()
  madeLater({ make, afterMs: undefined })
  expect(vi.getTimerCount()).toBe(0)
  expect(seen.made).toBe(0)
})
