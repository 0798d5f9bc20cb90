import { ProxyError, type ProxyErrorCode } from '../errors.ts'

/** An error of Node's HTTP parser or TLS handshake, as 'clientError' gives it. */
export interface ParserError extends Error {
  readonly code?: string
  /** llhttp's own words: constants, nothing of what was sent. */
  readonly reason?: string
  /** What was read last. It may hold credentials: never logged, nor repeated to anybody. */
  readonly rawPacket?: Buffer
  /** The place of the mistake in it. */
  readonly bytesParsed?: number
}

/** What a message may say of the listener and the connection. */
export interface ListenerFacts {
  readonly maxHeaderBytes: number
  /** Bytes that the connection carried before `rawPacket`. */
  readonly bytesBefore: number
  /** How to reach the same service by the other scheme. */
  readonly otherScheme: () => string
}

interface Rejection {
  readonly code?: ProxyErrorCode
  readonly status?: number
  readonly rule: string
  readonly detail?: string
}

/** Why a request was rejected before it could be read; undefined where there was none, such as a connection that was reset. */
export function rejectionOf(error: ParserError, listener: ListenerFacts): ProxyError | undefined {
  const rejection = describe(error, listener)
  if (rejection === undefined) return undefined
  const { code = 'PROXY_REQUEST_INVALID', status, rule, detail } = rejection
  return new ProxyError(code, {
    cause: { rule },
    endsConnection: true,
    ...(status !== undefined && { status }),
    ...(detail !== undefined && { detail }),
  })
}

function describe(error: ParserError, listener: ListenerFacts): Rejection | undefined {
  const { code = '', reason = '', rawPacket = Buffer.alloc(0), bytesParsed = 0 } = error
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { code: 'PROXY_REQUEST_TIMEOUT', rule: 'head timeout' }
    case 'ERR_SSL_HTTP_REQUEST':
    case 'ERR_SSL_HTTPS_PROXY_REQUEST':
      return { rule: 'HTTP on the https port', detail: `This is the https port: ${listener.otherScheme()}` }
    case 'HPE_PAUSED_H2_UPGRADE':
      return { rule: 'HTTP/2', detail: 'It is in HTTP/2; the proxy speaks HTTP/1.1.' }
    case 'HPE_INVALID_METHOD':
      return badStart({ rawPacket, bytesParsed }, listener)
    case 'HPE_INVALID_URL':
      return badTarget(rawPacket[bytesParsed] ?? 0)
    case 'HPE_INVALID_CONSTANT':
      return {
        rule: 'request line',
        detail: 'Its first line is not `METHOD target HTTP/1.1`: percent-encode spaces in the URL as %20.',
      }
    case 'HPE_INVALID_VERSION':
      return { rule: 'request line', detail: 'Its first line does not end with HTTP/1.1 or HTTP/1.0, CR and LF.' }
    case 'HPE_HEADER_OVERFLOW':
      return tooLarge(rawPacket.subarray(0, bytesParsed), listener)
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, rule: 'chunk extensions', detail: 'Its chunk extensions are too long.' }
    case 'HPE_INVALID_HEADER_TOKEN':
      return badField(rawPacket[bytesParsed] ?? 0, reason)
    case 'HPE_INVALID_CONTENT_LENGTH':
      return { rule: 'Content-Length', detail: 'Its Content-Length is not a number.' }
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return { rule: 'Content-Length', detail: 'It has two Content-Lengths, or one beside Transfer-Encoding.' }
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return {
        rule: 'Transfer-Encoding',
        detail: 'Its Transfer-Encoding does not end with chunked, or stands beside a Content-Length.',
      }
    case 'HPE_INVALID_CHUNK_SIZE':
    case 'HPE_STRICT':
      return { rule: 'chunks', detail: 'The chunks of its body are malformed.' }
    case 'HPE_CLOSED_CONNECTION':
      return { rule: 'surplus bytes', detail: 'It was sent after a request with Connection: close.' }
    case 'HPE_INVALID_EOF_STATE':
      return { rule: 'incomplete', detail: 'The connection ended before the request did.' }
    default:
      // A reset, a handshake that failed: no request.
      return code.startsWith('HPE_') ? { rule: 'syntax', detail: `The HTTP parser says: ${reason}.` } : undefined
  }
}

/** No method is longer. */
const LONGEST_METHOD = 16

/** The bytes begin no request. */
function badStart(
  { rawPacket, bytesParsed }: Required<Pick<ParserError, 'rawPacket' | 'bytesParsed'>>,
  { bytesBefore, otherScheme }: ListenerFacts,
): Rejection {
  if (bytesBefore + bytesParsed > LONGEST_METHOD) {
    const detail = 'What follows the request before it begins no request: was its Content-Length too small?'
    return { rule: 'surplus bytes', detail }
  }
  // A TLS record: handshake, version 3.x.
  if (rawPacket[0] === 0x16 && rawPacket[1] === 0x03) {
    return { rule: 'TLS on the plain port', detail: `This is the plain HTTP port: ${otherScheme()}` }
  }
  return { rule: 'method', detail: 'It does not begin with an HTTP method in capital letters.' }
}

function badTarget(byte: number): Rejection {
  if (byte >= 0x80) {
    return {
      rule: 'non-ASCII target',
      detail: 'Its URL contains a non-ASCII character: percent-encode non-ASCII characters, such as é as %C3%A9.',
    }
  }
  if (byte < 0x20 || byte === 0x7f) return { rule: 'target', detail: 'Its URL contains a control character.' }
  return { rule: 'target', detail: 'Its target is not a path that begins with a slash.' }
}

function badField(byte: number, reason: string): Rejection {
  if (reason.includes('value')) {
    const detail = reason.startsWith('Unexpected whitespace')
      ? 'A header field goes on in a second line.'
      : 'A header field value contains a control character.'
    return { rule: 'header field', detail }
  }
  const what = byte >= 0x80 ? 'a non-ASCII character' : 'a space or another character that no name may contain'
  return { rule: 'header field', detail: `A header field name contains ${what}.` }
}

/** `parsed`: what was read last, up to the byte that was too much. */
function tooLarge(parsed: Buffer, { maxHeaderBytes }: ListenerFacts): Rejection {
  const limit = `the limit is ${maxHeaderBytes / 1024} KiB`
  // Of a head that came in several pieces the last one does not show where it began.
  const isFirstLine = /^[A-Z-]+ /.test(parsed.subarray(0, 20).toString('latin1')) && !parsed.includes('\n')
  if (isFirstLine) {
    const detail = `The proxy reads no more than ${maxHeaderBytes / 1024} KiB of a request's head.`
    return { code: 'PROXY_TARGET_TOO_LONG', rule: 'target length', detail }
  }
  return {
    status: 431,
    rule: 'header size',
    detail: `Its header section is too large: ${limit}, request line included.`,
  }
}
