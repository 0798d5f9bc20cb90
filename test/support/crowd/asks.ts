import { gzipSync } from 'node:zlib'

/** One request that a client makes, of some API family. */
export interface Kind {
  readonly method: string
  readonly path: string
  readonly type?: string
  readonly coding?: string
  readonly body?: (padding: number) => string | Buffer
  /** `locally`: the proxy answers by itself. `never`: the proxy denies it. */
  readonly isAnswered?: 'locally' | 'never'
}

const V = '/services/data/v62.0'
const JSON_TYPE = 'application/json'
const record = (padding: number) => JSON.stringify({ Name: 'x'.repeat(padding) })
const csv = (padding: number) => `Name\n${'x'.repeat(padding)}\n`
const envelope = (operation: string, padding: number) =>
  `<Envelope><Header><!--${'x'.repeat(padding)}--></Header><Body>${operation}</Body></Envelope>`
const QUERY = '<query><queryString>SELECT Id FROM CA10__CaAwsInstance__c</queryString></query>'
const SOAP = '/services/Soap/u/62.0'

/** What clients ask, by the name that docs/faults.md gives it. */
export const KINDS = {
  'REST read': { method: 'GET', path: `${V}/sobjects/CA10__CaAwsInstance__c/a035f0000000000AAA` },
  'REST read with a body': { method: 'GET', path: `${V}/limits`, type: JSON_TYPE, body: record },
  'REST head': { method: 'HEAD', path: `${V}/limits` },
  'REST create': { method: 'POST', path: `${V}/sobjects/CA10__CaAwsInstance__c`, type: JSON_TYPE, body: record },
  'REST update': { method: 'PATCH', path: `${V}/sobjects/A/a035f0000000000AAA`, type: JSON_TYPE, body: record },
  'REST delete': { method: 'DELETE', path: `${V}/sobjects/A/a035f0000000000AAA` },
  'query page': { method: 'GET', path: `${V}/query/01g5f0000000001AAA-2000` },
  'Apex REST': { method: 'POST', path: '/services/apexrest/relay', type: JSON_TYPE, body: record },
  composite: {
    method: 'POST',
    path: `${V}/composite`,
    type: JSON_TYPE,
    body: (padding) =>
      JSON.stringify({
        compositeRequest: [{ method: 'GET', url: `${V}/limits`, referenceId: 'a' }],
        padding: 'x'.repeat(padding),
      }),
  },
  'Bulk 1.0 batch': {
    method: 'POST',
    path: '/services/async/62.0/job/7505f0000000001AAA/batch',
    type: 'text/csv',
    body: csv,
  },
  'Bulk 1.0 state': { method: 'GET', path: '/services/async/62.0/job/7505f0000000001AAA' },
  'Bulk 2.0 upload': {
    method: 'PUT',
    path: `${V}/jobs/ingest/7505f0000000001AAA/batches`,
    type: 'text/csv',
    body: csv,
  },
  'Bulk 2.0 results': { method: 'GET', path: `${V}/jobs/query/7505f0000000001AAA/results` },
  SOAP: { method: 'POST', path: SOAP, type: 'text/xml', body: (padding) => envelope(QUERY, padding) },
  'compressed SOAP': {
    method: 'POST',
    path: SOAP,
    type: 'text/xml',
    coding: 'gzip',
    body: (padding) => gzipSync(envelope(QUERY, padding)),
  },
  CometD: {
    method: 'POST',
    path: '/cometd/62.0',
    type: JSON_TYPE,
    body: (padding) => JSON.stringify([{ channel: '/meta/connect', clientId: 'c', id: 'x'.repeat(padding) }]),
  },
  identity: { method: 'GET', path: '/services/oauth2/userinfo' },
  'OAuth login': {
    method: 'POST',
    path: '/services/oauth2/token',
    type: 'application/x-www-form-urlencoded',
    body: (padding) => `grant_type=password&username=u&password=${'x'.repeat(padding)}`,
    isAnswered: 'locally',
  },
  'SOAP login': {
    method: 'POST',
    path: SOAP,
    type: 'text/xml',
    body: (padding) => envelope('<login><username>u</username><password>p</password></login>', padding),
    isAnswered: 'locally',
  },
  logout: { method: 'GET', path: '/services/oauth2/revoke?token=x', isAnswered: 'locally' },
  'page of the UI': { method: 'GET', path: '/secur/frontdoor.jsp', isAnswered: 'never' },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

export interface Ask {
  readonly kind: Kind
  /** Further query parameters. */
  readonly query: string
  readonly padding: number
  readonly isChunked: boolean
  /** How many bytes more than there are (or fewer) Content-Length declares. */
  readonly lengthIsOffBy: number
  readonly fields: readonly string[]
}

/** A request as it goes on the wire. */
export function bytesOf({ kind, query, padding, isChunked, lengthIsOffBy, fields }: Ask): Buffer {
  const body = Buffer.from(kind.body?.(padding) ?? '')
  const framing =
    kind.body === undefined
      ? []
      : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${Math.max(body.length + lengthIsOffBy, 0)}`]
  const head = [
    `${kind.method} ${kind.path}${kind.path.includes('?') ? '&' : '?'}${query} HTTP/1.1`,
    'Host: localhost',
    ...(kind.type === undefined ? [] : [`Content-Type: ${kind.type}`]),
    ...(kind.coding === undefined ? [] : [`Content-Encoding: ${kind.coding}`]),
    ...(kind.path.startsWith('/services/Soap') ? ['SOAPAction: ""'] : []),
    ...framing,
    ...fields,
    '',
    '',
  ].join('\r\n')
  const sent = kind.body !== undefined && isChunked ? chunksOf(body) : body
  return Buffer.concat([Buffer.from(head), sent])
}

function chunksOf(body: Buffer): Buffer {
  const half = Math.ceil(body.length / 2)
  const parts = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  const chunks = parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])
}
