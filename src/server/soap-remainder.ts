import type { Readable } from 'node:stream'
import { bodyOf } from '../upstream/body-stream.ts'
import { bytesOf, unreadable } from './judged-body.ts'
import { MarkupBytes } from './markup-bytes.ts'
import { toProxyError } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { SoapShape } from './soap-shape.ts'

const NOT_ALONE = unreadable(
  'The proxy judges a SOAP request by its one operation: after it only the ends of Body and Envelope may follow.',
)

/**
 * A SOAP request whose first operation was judged: what was read of it, and then what is left of the stream while it stays the only one.
 * Where `held` shows that it is not, nothing goes; where a later chunk does, that chunk does not, and the body fails with the refusal.
 */
export function onlyOperation(held: Buffer, rest: Readable): Readable | Refusal {
  const markup = new MarkupBytes()
  const shape = new SoapShape()
  const isAlone = (chunk: Buffer) => shape.push(markup.push(chunk))
  if (!isAlone(held)) return NOT_ALONE
  return bodyOf(watched(held, rest, isAlone))
}

async function* watched(held: Buffer, rest: Readable, isAlone: (chunk: Buffer) => boolean): AsyncGenerator<Buffer> {
  yield held
  for await (const chunk of bytesOf(rest)) {
    if (!isAlone(chunk)) throw toProxyError(NOT_ALONE)
    yield chunk
  }
}
