import { PassThrough, type Readable } from 'node:stream'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { owned } from '../../src/upstream/body-stream.ts'
import { ReplayableBody } from '../../src/upstream/replayable-body.ts'
import fc from '../support/properties.ts'

const ROOM = 1_000_000

const roomy = () => new BodyMemory({ totalBytes: ROOM }).claim({ isNeeded: false })

const onException = (error: unknown) => {
  throw error
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe('ReplayableBody', () => {
  test('streams the source and can stream it once more from its first byte', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    const first = textOf(body.stream())
    source.write('one ')
    source.end('two')
    expect(await first).toBe('one two')
    expect(body.isRepeatable).toBe(true)
    expect(await textOf(body.stream())).toBe('one two')
  })

  test('a second stream taken in the middle gets the beginning and the rest; the first gets no more', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    const first = body.stream()
    source.write('one ')
    await once(first, 'readable')
    body.rewind()
    const second = textOf(body.stream())
    source.end('two')
    expect(await second).toBe('one two')
    expect(first.destroyed).toBe(true)
  })

  test('what comes while a repeat is awaited is not read, so that the beginning stays held', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: 8, claim: roomy(), onException })
    body.stream()
    // In the very turn of the piece, after which its reader asks for the next.
    source.once('data', () => {
      body.rewind()
    })
    source.write('one ')
    await new Promise(setImmediate)
    source.end('two, and more than the limit')
    await new Promise(setImmediate)
    expect(body.isRepeatable).toBe(true)
    expect(await textOf(body.stream())).toBe('one two, and more than the limit')
    expect(body.isRepeatable).toBe(false)
  })

  test('a caller that breaks off while a repeat is awaited breaks the repeat too', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    const first = body.stream()
    source.write('half')
    await once(first, 'readable')
    body.rewind()
    source.destroy(new Error('aborted'))
    await once(source, 'close').catch(() => undefined)
    await expect(textOf(body.stream())).rejects.toThrow('aborted')
  })

  test('past its limit it flows on, lets go of what it held, and says that it cannot be repeated', async () => {
    const source = new PassThrough()
    const memory = new BodyMemory({ totalBytes: ROOM })
    const body = new ReplayableBody(source, { limitBytes: 5, claim: memory.claim({ isNeeded: false }), onException })
    const text = textOf(body.stream())
    source.write('1234')
    source.write('5678')
    source.end('9')
    expect(await text).toBe('123456789')
    expect(body.isRepeatable).toBe(false)
    expect(memory.heldBytes).toBe(0)
  })

  test('once it let go, there is no going back', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: 2, claim: roomy(), onException })
    const text = textOf(body.stream())
    source.end('gone')
    await text
    body.rewind()
    expect(() => body.stream()).toThrow('cannot be sent again')
  })

  test('where the shared memory is used up, a new body flows without being held', async () => {
    const memory = new BodyMemory({ totalBytes: 6 })
    const [a, b] = [new PassThrough(), new PassThrough()]
    const first = new ReplayableBody(a, { limitBytes: ROOM, claim: memory.claim({ isNeeded: false }), onException })
    const second = new ReplayableBody(b, { limitBytes: ROOM, claim: memory.claim({ isNeeded: false }), onException })
    const texts = [textOf(first.stream()), textOf(second.stream())]
    a.end('12345')
    await texts[0]
    b.end('12345')
    expect(await texts[1]).toBe('12345')
    expect([first.isRepeatable, second.isRepeatable]).toEqual([true, false])
    first.release()
    expect(memory.heldBytes).toBe(0)
  })

  test('releasing twice gives the memory back once', async () => {
    const memory = new BodyMemory({ totalBytes: ROOM })
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: memory.claim({ isNeeded: false }), onException })
    const text = textOf(body.stream())
    source.end('body')
    await text
    body.release()
    body.release()
    expect(memory.heldBytes).toBe(0)
  })

  test('a caller that breaks off breaks the stream too', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    const text = textOf(body.stream())
    source.write('half')
    source.destroy(new Error('aborted'))
    await expect(text).rejects.toThrow('aborted')
  })

  test('a caller that broke off before anybody read breaks the stream too', async () => {
    const source = owned(new PassThrough())
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    source.destroy(new Error('aborted'))
    await new Promise((resolve) => source.on('close', resolve))
    await expect(textOf(body.stream())).rejects.toThrow('aborted')
  })

  test('a caller that breaks off while nobody reads is no exception', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
    const stream = body.stream()
    source.destroy(new Error('aborted'))
    // Nobody listens for it: vitest would tell of an exception that nobody catches.
    await new Promise((resolve) => stream.on('close', resolve))
    expect(stream.errored).toMatchObject({ message: 'aborted' })
  })

  test('once it is closed, what still comes is thrown away', async () => {
    const source = new PassThrough({ highWaterMark: 1024 })
    const memory = new BodyMemory({ totalBytes: ROOM })
    const seen: string[] = []
    const body = new ReplayableBody(source, {
      limitBytes: ROOM,
      claim: memory.claim({ isNeeded: false }),
      onChunk: (chunk) => void seen.push(String(chunk)),
      onException,
    })
    const stream = body.stream()
    source.write('one')
    await once(stream, 'readable')
    body.close()
    source.resume()
    source.end(Buffer.alloc(100_000))
    await once(source, 'end')
    expect([stream.destroyed, seen, memory.heldBytes]).toEqual([true, ['one'], 0])
  })

  test('a slow reader holds the source back', async () => {
    const source = new PassThrough({ highWaterMark: 1024 })
    const body = new ReplayableBody(source, { limitBytes: 0, claim: roomy(), onException })
    const stream = body.stream()
    let written = 0
    while (source.write(Buffer.alloc(16_384)) || !source.isPaused()) {
      written += 1
      await new Promise(setImmediate)
      if (written > 64) break
    }
    expect(written).toBeLessThan(64)
    const text = textOf(stream)
    source.end()
    expect((await text).length).toBeGreaterThan(written * 16_384)
  })

  test('bytes that come after the reader is gone are thrown away, so that the connection can go on', async () => {
    const source = new PassThrough()
    const body = new ReplayableBody(source, { limitBytes: 0, claim: roomy(), onException })
    body.stream().destroy()
    source.resume()
    source.end(Buffer.alloc(1_000_000))
    await once(source, 'end')
    expect(source.readableEnded).toBe(true)
  })

  test('any chunks come out as they went in, whenever the second stream is taken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ minLength: 1 })), fc.nat(), async (chunks, cut) => {
        const source = new PassThrough()
        const body = new ReplayableBody(source, { limitBytes: ROOM, claim: roomy(), onException })
        let result = textOf(body.stream()).catch(() => 'cut off')
        for (const [index, chunk] of chunks.entries()) {
          source.write(chunk)
          if (index === cut % (chunks.length + 1)) {
            await new Promise(setImmediate)
            result = textOf(body.stream())
          }
        }
        source.end()
        expect(await result).toBe(chunks.join(''))
      }),
      { numRuns: 60 },
    )
  })
})
