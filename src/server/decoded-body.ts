import { Transform, type Readable } from 'node:stream'
import { createGunzip, createInflate, type ZlibOptions } from 'node:zlib'
import { ProxyError } from '../errors.ts'
import type { Claim } from '../upstream/body-memory.ts'
import { owned } from '../upstream/body-stream.ts'
import type { HeaderFields } from './effective-method.ts'
import { isSoapPath } from './soap-policy.ts'

/** Twice what the platform takes of a SOAP request. A few hundred bytes of gzip could become gigabytes of it. */
const MOST_BYTES = 100 * 1024 * 1024

/** How much waits between two of the streams below. */
const PIECE_BYTES = 16 * 1024
/** What a decoder holds for as long as it lasts: zlib's window and state, the piece that it fills, and what waits before and after it. */
const DECODER_BYTES = 64 * 1024 + 4 * PIECE_BYTES

/**
 * The content coding that is taken off a request before it is judged and goes on. Salesforce's Java client, and with it Data Loader and
 * many an integration product, compresses all its SOAP; but the session in the envelope has to be read and replaced.
 */
export function codingTakenOff(
  method: string,
  policyPath: string,
  headers: HeaderFields,
): 'gzip' | 'deflate' | undefined {
  const coding = headers['content-encoding']
  if (method !== 'POST' || !isSoapPath(policyPath) || typeof coding !== 'string') return undefined
  const name = coding.trim().toLowerCase()
  if (name === 'gzip' || name === 'x-gzip') return 'gzip'
  return name === 'deflate' ? 'deflate' : undefined
}

/** The fields as they describe the body without its coding. */
export function withoutCoding(headers: HeaderFields): HeaderFields {
  return { ...headers, 'content-encoding': undefined, 'content-length': undefined }
}

/**
 * The body without its coding. Fails with PROXY_REQUEST_INVALID, and leaves what is left of `body` unread, where there is none such.
 * Throws PROXY_MEMORY_FULL where the claim cannot cover a decoder.
 */
export function decodedBody(body: Readable, coding: 'gzip' | 'deflate', claim: Claim): Readable {
  if (!claim.coverBeside(DECODER_BYTES)) throw new ProxyError('PROXY_MEMORY_FULL')
  const streams = { highWaterMark: PIECE_BYTES }
  // It takes the options of every stream; its type names its own alone.
  const decoder = owned((coding === 'gzip' ? createGunzip : createInflate)(streams as ZlibOptions))
  let size = 0
  const counted = owned(
    new Transform({
      ...streams,
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length
        if (size > MOST_BYTES) done(invalid('Its body is too large once it is decompressed.'))
        else done(null, chunk)
      },
    }),
  )
  const end = (error: Error) => {
    body.unpipe(decoder)
    decoder.destroy()
    counted.destroy(error)
  }
  decoder.on('error', (cause) => {
    end(invalid('Its body is not what its Content-Encoding says.', cause))
  })
  counted.on('error', end)
  body.on('error', end)
  body.once('close', () => {
    if (!body.readableEnded) end(invalid('Its body ended too early.'))
  })
  return body.pipe(decoder).pipe(counted)
}

function invalid(detail: string, cause?: unknown): ProxyError {
  return new ProxyError('PROXY_REQUEST_INVALID', { detail, cause })
}
