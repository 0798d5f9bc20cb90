import { formFields } from '../form-fields.ts'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import type { Clock } from '../clock.ts'
import { bodyText, type Answer } from './answer.ts'
import { ApiError } from './api-error.ts'
import type { Call } from './call.ts'

const YEAR_MS = 31_536_000_000
/** Both for the target alone and for it with all headers. */
const MOST_HEAD_BYTES = 16_384

/** Reads a request off the wire: body whole and decompressed, path collapsed. Throws ApiError 414, 415 or 431. */
export async function receive(request: IncomingMessage, scheme: string, fallbackHost: string): Promise<Call> {
  const body = await wholeBody(request)
  const target = request.url ?? '/'
  const size = target.length + request.rawHeaders.reduce((total, part) => total + part.length, 0)
  if (target.length > MOST_HEAD_BYTES) throw new ApiError(414, 'URI_TOO_LONG', 'The URI exceeds 16,384 bytes')
  if (size > MOST_HEAD_BYTES) throw new ApiError(431, 'HEADERS_TOO_LARGE', 'URI and headers exceed 16,384 bytes')
  const [path, query] = splitOnce(target.replace(/^https?:\/\/[^/]*/i, ''), '?')
  return {
    method: request.method ?? 'GET',
    path: path.replace(/\/{2,}/g, '/'),
    query: formFields(query),
    headers: request.headers,
    body: decoded(body, request.headers['content-encoding']),
    origin: `${scheme}://${request.headers.host ?? fallbackHost}`,
  }
}

async function wholeBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  // Without an encoding set, a request's chunks are buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function decoded(body: Buffer, coding = 'identity'): Buffer {
  try {
    switch (coding.toLowerCase()) {
      case 'gzip':
        return gunzipSync(body)
      case 'deflate':
        return inflateSync(body)
      case 'identity':
        return body
    }
  } catch {
    throw new ApiError(400, 'INVALID_CONTENT', `The body is not ${coding}`)
  }
  throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', `Content-Encoding ${coding} is not supported`)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

export interface EdgeOptions {
  readonly clock: Clock
  readonly cookieDomain: string | undefined
}

/** Sends an answer as Salesforce's edge does: its headers and cookies, compressed where asked for, chunked. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer, org: EdgeOptions): void {
  if (answer.hangs) return
  const plain = bodyText(answer)
  const coding = plain === '' ? undefined : acceptedCoding(request.headers['accept-encoding'])
  const body = compressed(plain, coding)
  const headers: Record<string, string | string[]> = { ...edgeHeaders(org), ...answer.headers }
  headers['set-cookie'] = [headers['set-cookie'] ?? [], ...(answer.cookies ?? [])].flat()
  if (coding !== undefined) headers['content-encoding'] = coding
  // The tag names the representation, so it follows the coding.
  const { etag } = headers
  if (coding === 'gzip' && typeof etag === 'string') headers.etag = etag.replace(/"$/, '-gzip"')
  response.writeHead(answer.status, headers)
  // Written before the end, so that no length is known: the edge sends chunks.
  if (body.length > 0 && request.method !== 'HEAD') response.write(body)
  response.end()
}

function acceptedCoding(accepted: string | string[] = ''): 'gzip' | 'deflate' | undefined {
  const offers = [accepted]
    .flat()
    .join(',')
    .split(',')
    .filter((offer) => !/;\s*q=0(?:\.0*)?\s*$/.test(offer))
    .map((offer) => offer.split(';')[0]?.trim().toLowerCase())
  if (offers.includes('gzip') || offers.includes('*')) return 'gzip'
  return offers.includes('deflate') ? 'deflate' : undefined
}

function compressed(plain: string, coding: 'gzip' | 'deflate' | undefined): Buffer {
  const body = Buffer.from(plain)
  if (coding === undefined) return body
  return coding === 'gzip' ? gzipSync(body) : deflateSync(body)
}

function edgeHeaders({ clock, cookieDomain }: EdgeOptions): Record<string, string | string[]> {
  const now = clock.now()
  const domain = cookieDomain === undefined ? '' : ` domain=${cookieDomain};`
  const expires = new Date(now + YEAR_MS).toUTCString()
  const cookie = `path=/; expires=${expires}; Max-Age=31536000; secure`
  return {
    date: new Date(now).toUTCString(),
    vary: 'Accept-Encoding',
    'set-cookie': [
      `CookieConsentPolicy=0:1; ${cookie}`,
      `LSKey-c$CookieConsentPolicy=0:1; ${cookie}`,
      `BrowserId=${randomUUID().replaceAll('-', '').slice(0, 22)};${domain} ${cookie}`,
    ],
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'none',
    'cache-control': 'no-cache,must-revalidate,max-age=0,no-store,private',
    server: 'sfdcedge',
    'x-sfdc-request-id': randomUUID().replaceAll('-', ''),
  }
}
