import { formFields } from '../form-fields.ts'
import type { ExchangeDetail, Field, ShownBody } from './wire.ts'

/** HAR 1.2 (the W3C draft of 2012 that browsers' tools read) of what is kept; times are those that were measured, the rest is -1. */
export function toHar(
  exchanges: readonly ExchangeDetail[],
  { version, url }: { version: string; url: string },
): object {
  return {
    log: {
      version: '1.2',
      creator: { name: 'cloudaware-proxy', version },
      comment: 'Without sessions and credentials, which were never kept.',
      entries: exchanges.map((exchange) => entryOf(exchange, url)),
    },
  }
}

function entryOf(exchange: ExchangeDetail, url: string): object {
  const { startedAt, ms, upstreamMs, caller, id, sfdcRequestId, problem } = exchange
  return {
    startedDateTime: new Date(startedAt).toISOString(),
    time: ms,
    request: requestOf(exchange, url),
    response: responseOf(exchange),
    cache: {},
    // Own time comes before the upstream's: policy, waiting for a token or a connection.
    timings: {
      blocked: Math.max(0, ms - (upstreamMs ?? 0)),
      dns: -1,
      connect: -1,
      ssl: -1,
      send: 0,
      wait: upstreamMs ?? 0,
      receive: 0,
    },
    _requestId: id,
    ...(sfdcRequestId !== null && { _sfdcRequestId: sfdcRequestId }),
    ...(caller !== null && { _caller: caller }),
    ...(problem && { comment: `${problem.code}: ${problem.message}` }),
  }
}

function requestOf({ method, target, requestHeaders, requestBody, bytesIn }: ExchangeDetail, url: string): object {
  const headers = requestHeaders ?? []
  return {
    method,
    url: url + asUri(target),
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: pairs(headers),
    queryString: [...formFields(target.split('?').slice(1).join('?'))].map(([name, value]) => ({
      name,
      value,
    })),
    headersSize: -1,
    bodySize: bytesIn,
    ...(requestBody.kind === 'text' && {
      postData: { mimeType: requestBody.type, text: requestBody.text, ...commentOn(requestBody) },
    }),
  }
}

/** RFC 3986 has no room for some of what callers send, nor for what stands in place of a credential. */
function asUri(target: string): string {
  return target
    .toWellFormed()
    .replace(/%(?![\da-f]{2})/gi, '%25')
    .replace(/[^!-~]|["<>\\^`{|}[\]#]/gu, encodeURIComponent)
}

function responseOf({ status, answerHeaders, answerBody, bytesOut }: ExchangeDetail): object {
  const headers = answerHeaders ?? []
  const text = answerBody.kind === 'text' ? answerBody.text : undefined
  return {
    // What browsers write where there was no answer.
    status: status ?? 0,
    statusText: '',
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: pairs(headers),
    content: {
      size: text === undefined ? bytesOut : Buffer.byteLength(text),
      mimeType: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '',
      ...(text !== undefined && { text }),
      ...commentOn(answerBody),
    },
    redirectURL: headers.find(([name]) => name.toLowerCase() === 'location')?.[1] ?? '',
    headersSize: -1,
    bodySize: bytesOut,
  }
}

function pairs(fields: readonly Field[]): object[] {
  return fields.map(([name, value]) => ({ name, value }))
}

function commentOn(body: ShownBody): { comment?: string } {
  if (body.kind === 'none') return {}
  if (body.kind === 'unasked') return { comment: 'Not kept: INSPECT is not set.' }
  if (body.kind === 'binary') return { comment: 'Binary, not kept.' }
  const remarks = [...(body.isCut ? ['cut to its beginning'] : []), ...(body.isRedacted ? ['credentials blanked'] : [])]
  return remarks.length === 0 ? {} : { comment: remarks.join(', ') }
}
