import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { ProxyError } from '../../src/errors.ts'
import { soapBody } from '../../src/upstream/soap-body.ts'
import { SoapSession } from '../../src/upstream/soap-session.ts'

const PATH = '/services/Soap/u/62.0'
const BEFORE = '<e:Envelope><e:Header><SessionHeader><sessionId>x</sessionId></SessionHeader></e:Header><e:Body>'
const AFTER = BEFORE.replace('>x<', '>TOKEN<')

describe('a SOAP body', () => {
  test.each([
    ['in one chunk', [`${BEFORE}rest`]],
    ['in chunks', [BEFORE.slice(0, 30), BEFORE.slice(30), 're', 'st']],
  ])('%s carries our session, and tells how much longer it is', async (_how, chunks) => {
    const { body, delta } = await soapBody(
      Readable.from(chunks.map((text) => Buffer.from(text))),
      new SoapSession('TOKEN', PATH),
    )
    expect(String(await buffer(body))).toBe(`${AFTER}rest`)
    expect(delta).toBe('TOKEN'.length - 'x'.length)
  })

  test('without a byte stays so', async () => {
    const { body, delta } = await soapBody(Readable.from([]), new SoapSession('TOKEN', PATH))
    expect(await buffer(body)).toHaveLength(0)
    expect(delta).toBe(0)
  })

  test('goes on as soon as its head is known, while the rest is still to come', async () => {
    const source = new PassThrough()
    source.write(BEFORE)
    const { body } = await soapBody(source, new SoapSession('TOKEN', PATH))
    await once(body, 'readable')
    expect(String(body.read())).toBe(AFTER)
    source.end('rest')
    expect(String(await buffer(body))).toBe('rest')
  })

  test('is taken no faster than it is read', async () => {
    let taken = 0
    const source = new Readable({
      highWaterMark: 1024,
      read() {
        taken++
        this.push(taken === 1 ? Buffer.from(BEFORE) : Buffer.alloc(1024))
        if (taken === 10_000) this.push(null)
      },
    })
    const { body } = await soapBody(source, new SoapSession('TOKEN', PATH))
    await once(body, 'readable')
    expect(taken).toBeLessThan(1000)
    expect(await buffer(body)).toHaveLength(AFTER.length + 9_999 * 1024)
  })

  test('ends with its reader, though nothing was read of it', async () => {
    const source = new PassThrough()
    source.write(BEFORE)
    const { body } = await soapBody(source, new SoapSession('TOKEN', PATH))
    const closed = once(source, 'close')
    body.destroy()
    await closed
    expect(source.destroyed).toBe(true)
  })
})

describe('a SOAP body that is refused', () => {
  test.each([
    ['at its end', 'no envelope', /ended before/],
    ['at once', '<html>', /no SOAP envelope/],
  ])('%s is let go', async (_when, text, sentence) => {
    const source = new PassThrough()
    source.end(text)
    const failure: unknown = await soapBody(source, new SoapSession('TOKEN', PATH)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProxyError)
    expect(failure).toMatchObject({ code: 'PROXY_REQUEST_INVALID', message: expect.stringMatching(sentence) as string })
    expect(source.destroyed).toBe(true)
  })

  test('because its sender left fails with the reason: before its head is known', async () => {
    const source = new PassThrough()
    source.write('<e:Envelope>')
    const result = soapBody(source, new SoapSession('TOKEN', PATH))
    source.destroy(new Error('left'))
    await expect(result).rejects.toThrow('left')
  })

  test('because it was let go before its head is known fails, too', async () => {
    const source = new PassThrough()
    const result = soapBody(source, new SoapSession('TOKEN', PATH))
    source.destroy()
    await expect(result).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  test('because its sender left fails with the reason: after', async () => {
    const source = new PassThrough()
    source.write(BEFORE)
    const { body } = await soapBody(source, new SoapSession('TOKEN', PATH))
    source.destroy(new Error('left'))
    await expect(buffer(body)).rejects.toThrow('left')
  })
})
