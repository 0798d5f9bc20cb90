import { expect, test } from 'vitest'
import { BodyCapture, CAPTURE_BYTES } from '../../src/server/body-capture.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

test('the beginning of each body is kept, whatever pieces it comes in', () => {
  const capture = new BodyCapture(new BodyMemory({ totalBytes: 3 * CAPTURE_BYTES }))
  const body = Buffer.from(Array.from({ length: CAPTURE_BYTES + 100 }, (_, at) => at % 251))
  for (let at = 0; at < body.length; at += 7) capture.request.add(body.subarray(at, at + 7))
  capture.answer.add(Buffer.from('short'))
  expect(capture.request.bytes().equals(body.subarray(0, CAPTURE_BYTES))).toBe(true)
  expect(capture.answer.bytes().toString()).toBe('short')
})

test('where the shared memory is used up, no more of a body is kept, and none of its later pieces', () => {
  const memory = new BodyMemory({ totalBytes: 10 })
  const { request } = new BodyCapture(memory)
  for (const piece of ['12345', '67890123', '4']) request.add(Buffer.from(piece))
  expect([request.bytes().toString(), memory.heldBytes]).toEqual(['12345', 5])
})

test('it counts until the request is over, and can be read after that', () => {
  const memory = new BodyMemory({ totalBytes: 100 })
  const ends: (() => void)[] = []
  const capture = BodyCapture.during({ atEnd: (work) => ends.push(work) }, memory)
  capture.request.add(Buffer.from('body'))
  expect(memory.heldBytes).toBe(4)
  for (const end of ends) end()
  capture.answer.add(Buffer.from('too late'))
  expect([memory.heldBytes, capture.request.bytes().toString(), capture.answer.bytes().length]).toEqual([0, 'body', 0])
})
