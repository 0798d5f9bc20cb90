import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { createCredentialNet } from '../../../src/inspector/credential-net.ts'
import { showBody } from '../../../src/inspector/shown-body.ts'
import { parseLimitInfo } from '../../../src/metrics/limit-info.ts'
import { createRedactor, withoutTokens } from '../../../src/redaction.ts'
import { digestKeys } from '../../../src/server/caller-key.ts'
import { createGuard, type Guard } from '../../../src/server/guard.ts'
import { answerSoap } from '../../../src/server/login/soap-endpoint.ts'
import { answerToken } from '../../../src/server/login/token-endpoint.ts'
import { withAnswer } from '../../../src/server/login/user-info.ts'
import { problemBody } from '../../../src/server/problem-body.ts'
import { RequestBoundary } from '../../../src/server/request-boundary.ts'
import { requestIdOf } from '../../../src/server/request-id.ts'
import { collapseSlashes } from '../../../src/server/request-target.ts'
import { parseXml } from '../../../src/emulator/xml.ts'
import { parseCsv } from '../../../src/emulator/csv.ts'
import { parseSoql } from '../../../src/emulator/soql-parse.ts'
import { resolveText } from '../../../src/emulator/references.ts'
import { readTokenAnswer } from '../../../src/token/token-response.ts'
import { BodyMemory } from '../../../src/upstream/body-memory.ts'
import { readRefusal } from '../../../src/upstream/dead-session.ts'
import { isLoginAnswer, withCallerAddresses } from '../../../src/upstream/own-addresses.ts'
import { upstreamHeaders } from '../../../src/upstream/request-headers.ts'
import { callerHeaders, callerTrailers } from '../../../src/upstream/response-headers.ts'
import { withoutSessionParameters } from '../../../src/upstream/session-parameters.ts'
import { SoapSession } from '../../../src/upstream/soap-session.ts'

/** What reads texts of others, and what such texts are made of. */
export interface Target {
  readonly name: string
  readonly tokens: readonly string[]
  readonly beginnings?: readonly string[]
  readonly ends?: readonly string[]
  /** The longest text that gets there. */
  readonly limit: number
  readonly read: (text: string) => unknown
}

const KIB = 1024
const BODY_LIMIT = 1024 * KIB
const bodyMemory = BodyMemory.forLimit(64 * BODY_LIMIT)
const secrets = () => ['a-consumer-secret-of-a-usual-length', '00D000000000001!AQEAQ.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']
const redact = createRedactor(secrets)
const net = createCredentialNet(secrets)
const rules = {
  allowedHosts: ['proxy.example.com', '*.example.org'],
  allowedOrigins: ['https://tool.example.com'],
  allowedPaths: ['/mine/*/a*b*c/**'],
  deniedPaths: ['/services/**/x/**/y*z*/**'],
  compositeLimitBytes: BODY_LIMIT,
  bodyMemory,
}
const open = createGuard({ ...rules, callerKeys: undefined, isReadOnly: false })
const keys = digestKeys([{ name: 'a', key: 'a-key-of-a-usual-length' }])
const closed = createGuard({ ...rules, callerKeys: () => keys, isReadOnly: true, answersLogins: true })

interface Sent {
  readonly method?: string
  readonly url?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
}

/** One request with all that is done about it before it goes upstream, and when it is over. */
async function ask(guard: Guard, { method = 'GET', url = '/services/data/v62.0/limits', fields = {}, body }: Sent) {
  const length = body === undefined ? {} : { 'content-length': String(body.length) }
  const headers = { host: 'localhost:8080', ...length, ...fields }
  const rawHeaders = Object.entries(headers).flat()
  const socket = {}
  const stream = Readable.from(body === undefined ? [] : pieces(body), { objectMode: false })
  const raw = Object.assign(stream, {
    method,
    url: collapseSlashes(url),
    headers,
    rawHeaders,
    httpVersion: '1.1',
    socket,
  })
  const request = { raw, method, headers, url: raw.url } as unknown as FastifyRequest
  const reply = replyStub()
  new RequestBoundary({ request: request.raw, response: reply.raw, log: SILENT, onException: () => undefined })
  let problem: Error | undefined
  guard.onRequest(request, reply, (error) => {
    problem = error
  })
  problem ??= await sendOn(guard, request, reply)
  requestIdOf(raw)
  const policyPath = guard.policyPathOf(request)
  problemBody({ method, policyPath, headers }, 'PROXY_REQUEST_INVALID', withoutTokens(problem?.message ?? ''))
  withoutSessionParameters(raw.url)
  upstreamHeaders(rawHeaders, { family: guard.familyOf(request), version: '1.0.0' })
  redact(JSON.stringify({ path: guard.shownPathOf(request), caller: guard.callerOf(request) }))
  reply.raw.emit('close')
}

/** Reads the body as it would go. A refusal is an answer as well. */
async function sendOn(guard: Guard, request: FastifyRequest, reply: FastifyReply): Promise<Error | undefined> {
  try {
    const judged = await guard.bodyOf(request, reply)
    const body = 'stream' in judged ? judged.stream : 'body' in judged ? judged.body : judged
    await finished(body.resume())
    return undefined
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ProxyError') throw error
    return error
  }
}

const SILENT = { error: () => undefined } as unknown as Logger

function replyStub(): FastifyReply {
  const reply = {
    raw: new EventEmitter(),
    header: () => reply,
    headers: () => reply,
    code: () => reply,
    send: () => reply,
  }
  return reply as unknown as FastifyReply
}

/** As the network brings them. */
function* pieces(body: Buffer, size = 16 * KIB): Generator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

const post =
  (url: string, type: string, guards = [open, closed]) =>
  async (text: string) => {
    const body = Buffer.from(text)
    for (const guard of guards) await ask(guard, { method: 'POST', url, fields: { 'content-type': type }, body })
  }

const composite = (request: (text: string) => object) => async (text: string) => {
  const body = JSON.stringify({ compositeRequest: [{ method: 'DELETE', referenceId: 'a', ...request(text) }] })
  await post('/services/data/v62.0/composite', 'application/json', [open])(body)
}

const field = (name: string) => async (text: string) => {
  await ask(closed, { fields: { [name]: text } })
  await ask(open, { method: 'POST', url: '/services/Soap/m/62.0', fields: { [name]: text }, body: Buffer.from('x') })
}

const login = (type: string, isSoap: boolean) => async (text: string) => {
  const claim = bodyMemory.claim({ isNeeded: true })
  const body = Readable.from([Buffer.from(text)], { objectMode: false })
  const call = {
    endpoint: isSoap ? ('soap' as const) : ('token' as const),
    method: 'POST',
    policyPath: isSoap ? '/services/soap/u/62.0' : '/services/oauth2/token',
    search: '',
    headers: { 'content-type': type },
    body,
    claim,
    caller: undefined,
  }
  const ids = { orgId: '00D000000000001AAA', userId: '005000000000001AAA' }
  const context = {
    origin: 'http://localhost',
    callerKeys: () => keys,
    userInfo: () => Promise.resolve(new Map()),
    ids: () => Promise.resolve(ids),
    isSandbox: () => false,
    now: () => 0,
  }
  await (isSoap ? answerSoap(call, context) : answerToken(call, context))
  claim.release()
}

/** The session that goes into an envelope, whole and byte for byte. */
function placeSession(text: string): void {
  for (const size of [16 * KIB, 1]) {
    const session = new SoapSession('token', '/services/Soap/u/62.0')
    let result
    for (const piece of pieces(Buffer.from(text), size)) if ((result = session.push(piece)) !== undefined) break
    if (result === undefined) session.end()
  }
}

const TARGET_TOKENS = [
  '.', '/', '//', '%', '%2', '%2e', '%25', '%c3%a9', '%ff', ';', ';a', '?', '&', '=', '?&%', '&%', '#', '@{', '}', 'a', '.json', '.xml',
  '/a.', '/sobjects', '/authsession', '/x', '/y', 'services/', '/composite', '0ak', '00D', '&sid=', '&_httpmethod=A', '\u0131', ' ',
] // prettier-ignore
const FIELD_TOKENS = [
  ' ', ',', ';', '=', '"', 'a', '.', '-', '%', ':', '/', '[', '@', ', ', '; ', 'sid=', '; sid', 'Bearer ', 'Basic ', 'eyJ', '00D', '3MVG',
  '-----BEGIN PRIVATE KEY-----', '"password":"', '"cookie":["a",', 'A'.repeat(64), 'chunked', '100-continue,', 'charset=', 'api-usage=1/',
] // prettier-ignore
const XML_TOKENS = [
  '<a>', '</a>', '<a/>', '<a x="', '<a ', '" ', "'", ' x="y"', ' xmlns:p="u"', '<p:a xmlns:p="u">', '&amp;', '&', '<!--', '-->', '--', '<![CDATA[',
  ']]>', '<?', '?>', '<', '>', '/', ' ', 'a', '</Header>', '<Header>', '<Body>', '<SessionHeader>', '<sessionId>', 'encoding="', 'x:nil="true" ',
] // prettier-ignore
const JSON_TOKENS = [
  '[', '{', '{"a":', '"', '\\', '\\"', '\\u', '\\u0061', ',', ':', '1', ' ', 'a', '"a",', '"a":1,', '[],', '{},', ']', '}', 'SELECT ', 'Id id,',
] // prettier-ignore
const FORM_TOKENS = ['&', '=', '%', '%2', '%20', '+', ';', 'a', 'a&', '%&', 'a=b&', 'q=SELECT+', '\\u0061', 'password='] // prettier-ignore
const QUERY_TOKENS = [
  'SELECT ', 'Id', ',', '(', ')', "'", ' FROM A', ' WHERE ', 'a = 1', ' AND ', ' OR ', 'NOT ', '(SELECT Id FROM As),', 'COUNT(', ' ', '.', '\\', '%', '_',
] // prettier-ignore

const ENVELOPES = ['', '<Envelope>', '<Envelope><Header>', '<Envelope><Body><query>', '<Envelope><Body><delete>']
const CLOSED = ['', '</query></Body></Envelope>']
const REFUSALS = ['', '[{"errorCode":"', '<e><faultcode>', '<Body>']

export const TARGETS: readonly Target[] = [
  {
    name: 'request target',
    tokens: TARGET_TOKENS,
    beginnings: [
      '/',
      '/a',
      '/services/data/v62.0/query?q=',
      '/services/data/v62.0/composite/sobjects?ids=',
      '/id/',
      '/services/Soap/',
    ],
    ends: ['', 'x'],
    limit: 32 * KIB,
    read: async (url) => {
      await ask(open, { url, method: 'DELETE' })
      await ask(closed, { url })
    },
  },
  ...[
    'cookie',
    'authorization',
    'host',
    'origin',
    'connection',
    'content-type',
    'expect',
    'transfer-encoding',
    'x-other',
  ].map((name) => ({
    name: `field ${name}`,
    tokens: FIELD_TOKENS,
    beginnings: name === 'content-type' ? ['', 'multipart/form-data; boundary='] : [''],
    limit: 32 * KIB,
    read: field(name),
  })),
  {
    name: 'composite: path of a sub-request',
    tokens: TARGET_TOKENS,
    beginnings: ['/', '/services/data/v62.0/', 'v62.0/sobjects/Account/'],
    ends: ['', 'x'],
    limit: BODY_LIMIT / 2,
    read: composite((text) => ({ url: text })),
  },
  {
    name: 'composite: query of a sub-request',
    tokens: [...TARGET_TOKENS, ...QUERY_TOKENS],
    ends: ['', '}'],
    // Each text is read in two requests.
    limit: BODY_LIMIT / 4,
    read: async (text) => {
      await composite(() => ({ url: `/services/data/v62.0/composite/sobjects?ids=${text}` }))(text)
      await composite(() => ({ url: `/services/data/v62.0/query?q=${text}`, body: '@{a.Id}' }))(text)
    },
  },
  {
    name: 'composite',
    tokens: [...JSON_TOKENS, '{"method":"GET","url":"/services/data/v62.0/limits"},', '"x_http_method":"A",'],
    beginnings: [
      '',
      '{"compositeRequest":[',
      '{"graphs":[{"compositeRequest":[',
      '{"compositeRequest":[{"method":"POST","url":"/a","body":',
    ],
    ends: ['', ']}'],
    limit: BODY_LIMIT,
    read: post('/services/data/v62.0/composite', 'application/json'),
  },
  {
    name: 'SOAP',
    tokens: XML_TOKENS,
    beginnings: ENVELOPES,
    ends: CLOSED,
    limit: BODY_LIMIT,
    read: post('/services/Soap/u/62.0', 'text/xml'),
  },
  { name: 'session of an envelope', tokens: XML_TOKENS, beginnings: ENVELOPES, limit: 128 * KIB, read: placeSession },
  {
    name: 'job in JSON',
    tokens: JSON_TOKENS,
    beginnings: ['', '{"object":"'],
    limit: BODY_LIMIT,
    read: post('/services/data/v62.0/jobs/ingest', 'application/json'),
  },
  {
    name: 'job in XML',
    tokens: XML_TOKENS,
    beginnings: ['', '<jobInfo>'],
    ends: ['', '</jobInfo>'],
    limit: BODY_LIMIT,
    read: post('/services/async/62.0/job', 'application/xml'),
  },
  {
    name: 'job in parts',
    tokens: ['--b', '\r\n', '\n', 'Content-Disposition: form-data; ', 'name="job"', ';', ' ', '"', 'a', '{}', ':', '='],
    beginnings: ['', '--b\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: ', '--b\r\n'],
    ends: ['', '\r\n--b--'],
    limit: BODY_LIMIT,
    read: post('/services/data/v62.0/jobs/ingest', 'multipart/form-data; boundary=b'),
  },
  {
    name: 'query in a form',
    tokens: FORM_TOKENS,
    limit: BODY_LIMIT,
    read: post('/services/data/v62.0/query', 'application/x-www-form-urlencoded'),
  },
  {
    name: 'login by form',
    tokens: FORM_TOKENS,
    beginnings: ['', 'grant_type=password&password='],
    limit: 64 * KIB,
    read: login('application/x-www-form-urlencoded', false),
  },
  {
    name: 'login by JSON',
    tokens: JSON_TOKENS,
    beginnings: ['', '{"password":'],
    limit: 64 * KIB,
    read: login('application/json', false),
  },
  {
    name: 'login by SOAP',
    tokens: XML_TOKENS,
    beginnings: ['', '<Envelope><Body><login>'],
    limit: 64 * KIB,
    read: login('text/xml', true),
  },
  {
    name: 'refusal of the API',
    tokens: [...XML_TOKENS, ...JSON_TOKENS],
    beginnings: REFUSALS,
    limit: 64 * KIB,
    read: (text) => {
      for (const [family, status] of [
        ['rest', 401],
        ['soap', 500],
        ['bulk1', 400],
        ['identity', 403],
        ['streaming', 200],
      ] as const) {
        readRefusal({ family, runsOrgCode: false }, { status, headers: {}, body: Buffer.from(text) })
      }
    },
  },
  {
    name: 'addresses in an answer',
    tokens: [
      ...XML_TOKENS,
      '"a":"https://a',
      'https:',
      'https://a/',
      '\\/',
      '"',
      '<serverUrl>',
      'https://a.salesforce.com/services/',
      'xml',
      '+',
    ],
    beginnings: ['', '"a":"', '<serverUrl>https://', '<Body>'],
    limit: 64 * KIB,
    read: (text) => {
      isLoginAnswer(text)
      const origins = { upstreamOrigin: 'https://a.my.salesforce.com', callerOrigin: 'http://localhost:8080' }
      for (const form of ['json', 'xml', 'soap'] as const) withCallerAddresses(text, form, origins)
    },
  },
  {
    name: 'fields of an answer',
    tokens: FIELD_TOKENS,
    beginnings: ['', 'https://'],
    limit: 16 * KIB,
    read: (text) => {
      const raw = ['Location', 'Set-Cookie', 'Connection', 'Vary', 'X-Other'].flatMap((name) => [name, text])
      const origins = { upstreamOrigin: () => 'https://a.my.salesforce.com', callerOrigin: 'http://localhost:8080' }
      callerHeaders(raw, { family: 'streaming', origins, cors: { vary: 'Origin' } })
      callerTrailers(raw)
      parseLimitInfo(text)
    },
  },
  {
    name: 'answer of the token endpoint',
    tokens: [...JSON_TOKENS, 'eyJ', '.', '/'],
    beginnings: ['', '{"access_token":"', '{"error":"a","error_description":"'],
    ends: ['', '"}'],
    limit: 64 * KIB,
    read: (body) => {
      try {
        const answer = { status: 200, body, url: 'https://a.example/token', location: undefined, serverNow: 0 }
        readTokenAnswer(answer, { pinned: 'https://a.example', trustedHosts: [] } as never)
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'OAuthError') throw error
      }
    },
  },
  {
    name: 'answer about the user',
    tokens: XML_TOKENS,
    beginnings: ENVELOPES,
    limit: 64 * KIB,
    read: (text) => withAnswer(new Map(), text),
  },
  {
    name: 'line of the log',
    tokens: [
      ...FIELD_TOKENS,
      '\\"password\\":\\"',
      '"password":"\\',
      'sid=',
      '.',
      'a.b',
      'eyJa.',
      '-----END PRIVATE KEY-----',
    ],
    limit: 128 * KIB,
    read: (text) => [
      redact(text),
      redact(JSON.stringify(text)),
      withoutTokens(text),
      net.text(text),
      net.fields(['a', text]),
    ],
  },
  {
    name: 'body in the inspector',
    tokens: [...FIELD_TOKENS, ...XML_TOKENS, '<sessionId>', '"sid": "', 'sid='],
    limit: 16 * KIB,
    read: (text) => {
      const bytes = Buffer.from(text)
      const body = showBody({ bytes, total: bytes.length + 1, headers: [['Content-Type', text]] }, net)
      return body
    },
  },
  { name: 'emulator: XML', tokens: XML_TOKENS, beginnings: ['', '<a>'], limit: BODY_LIMIT, read: quietly(parseXml) },
  {
    name: 'emulator: CSV',
    tokens: ['"', '""', ',', '\n', '\r', 'a', 'a,', '"a",'],
    limit: BODY_LIMIT,
    read: quietly((text) => parseCsv(text)),
  },
  {
    name: 'emulator: SOQL',
    tokens: QUERY_TOKENS,
    beginnings: ['', 'SELECT Id FROM A WHERE '],
    limit: 16 * KIB,
    read: quietly(parseSoql),
  },
  {
    name: 'emulator: references',
    tokens: ['@{', '}', 'a', '.', '[', ']'],
    limit: BODY_LIMIT,
    read: quietly((text) => resolveText(text, new Map())),
  },
]

/** A refusal is an answer as well; but not a mistake of ours. */
function quietly(read: (text: string) => unknown) {
  return (text: string) => {
    try {
      read(text)
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError || error instanceof ReferenceError) throw error
      if (error instanceof Error && error.constructor.name === 'TooManySteps') throw error
    }
  }
}
