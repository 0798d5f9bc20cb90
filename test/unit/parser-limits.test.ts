import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createGuard } from '../../src/server/guard.ts'
import { judgeComposite } from '../../src/server/composite-policy.ts'
import { judgeEnvelope } from '../../src/server/soap-types.ts'
import { readJob, readQuery } from '../../src/server/sent-text.ts'
import { readParameters } from '../../src/server/login/token-request.ts'
import { answerSoap } from '../../src/server/login/soap-endpoint.ts'
import { parseXml, sessionIn, textOf } from '../../src/server/login/xml.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { OPEN } from '../support/guarded-app.ts'

const claim = () => BodyMemory.forLimit(1024 * 1024).claim({ isNeeded: true })
const pass = () => undefined
const nested = (depth: number, inner = '1') => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`
const composite = (request: object) => Buffer.from(JSON.stringify({ compositeRequest: [request] }))
const LIMITS = '/services/data/v62.0/limits'

describe('JSON', () => {
  // The object, its list and the sub-request are three of them.
  test.each([
    [61, undefined],
    [62, 'nests arrays and objects more than 64 levels deep'],
    [200_000, 'nests arrays and objects more than 64 levels deep'],
  ])('a composite with %i levels in a body', (depth, detail) => {
    const body = `{"compositeRequest":[{"method":"GET","url":"${LIMITS}","body":${nested(depth)}}]}`
    const refusal = judgeComposite(Buffer.from(body), pass)
    if (detail === undefined) expect(refusal).toBeUndefined()
    else
      expect(refusal).toMatchObject({ code: 'PROXY_PATH_REFUSED', detail: expect.stringContaining(detail) as string })
  })

  test('brackets in a string are none', () => {
    expect(
      judgeComposite(composite({ method: 'GET', url: LIMITS, body: `${'['.repeat(100)}\\"[` }), pass),
    ).toBeUndefined()
  })

  test('a job', () => {
    expect(readJob(Buffer.from(nested(64)), 'application/json')).toContain('[1]')
    expect(readJob(Buffer.from(nested(65)), 'application/json')).toEqual({
      problem: expect.stringContaining('more than 64 levels deep') as string,
    })
  })

  test('a login', async () => {
    expect(await parameters('application/json', `{"a":${nested(63)}}`)).toBeInstanceOf(Map)
    expect(await parameters('application/json', `{"a":${nested(64)}}`)).toEqual({
      problem: 'the body nests more than 64 levels deep',
    })
  })
})

describe('a composite', () => {
  test('has no more than 1,000 sub-requests', () => {
    const request = { method: 'GET', url: LIMITS }
    const of = (count: number) => Buffer.from(JSON.stringify({ batchRequests: Array(count).fill(request) }))
    expect(judgeComposite(of(1000), pass)).toBeUndefined()
    expect(judgeComposite(of(1001), pass)?.detail).toContain('lists 1001 sub-requests, and the limit is 1000')
  })

  test('has no more than 1,000 parameters in a query', () => {
    const of = (count: number) => composite({ method: 'GET', url: `${LIMITS}?${Array(count).fill('a=1').join('&')}` })
    expect(judgeComposite(of(1000), pass)).toBeUndefined()
    expect(judgeComposite(of(1001), pass)?.detail).toContain('more than 1000 parameters')
  })

  test('is judged by as many methods as there are kinds, however many are named', () => {
    const methods: string[] = []
    const overrides = Array.from({ length: 900 }, (_, at) => `_HttpMethod=${['GET', 'POST', `X${at}`][at % 3]}`)
    judgeComposite(composite({ method: 'GET', url: `${LIMITS}?${overrides.join('&')}` }), (method) => {
      methods.push(method)
      return undefined
    })
    expect(methods).toEqual(['GET', 'GET', 'POST', 'X2'])
  })
})

describe('XML', () => {
  const list = (count: number) => `<a>${'<b/>'.repeat(count - 1)}</a>`
  const deep = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
  const wide = (count: number) => `<a ${Array.from({ length: count }, (_, at) => `a${at}=""`).join(' ')}/>`

  test.each([
    ['levels', deep(32), deep(33), 'it nests elements more than 32 levels deep'],
    ['elements', list(10_000), list(10_001), 'it has more than 10,000 elements'],
    ['attributes', wide(256), wide(257), 'an element of it has more than 256 attributes'],
  ])('no more %s than the limit', (_what, good, bad, problem) => {
    expect(parseXml(good)).toMatchObject({ name: 'a' })
    expect(parseXml(bad)).toEqual({ problem })
  })

  test.each([
    ['a job', () => readJob(Buffer.from(list(10_001)), 'application/xml')],
    ['a query', () => readQuery(Buffer.from(list(10_001)), 'application/xml')],
    [
      'a deletion by SOAP',
      () => judgeEnvelope(Readable.from([Buffer.from(list(10_001))], { objectMode: false }), claim(), pass),
    ],
    ['a login by SOAP', () => answerSoap(call('text/xml', list(10_001), '/services/soap/u/62.0'), {} as never)],
  ])('%s names the limit', async (_what, read) => {
    expect(JSON.stringify(await read())).toContain('it has more than 10,000 elements')
  })

  test('a session is found among elements of any kind, and not below the limit of depth', () => {
    const header = (inner: string) => `<Envelope><Header>${inner}`
    const session = '<SessionHeader><sessionId>mine</sessionId></SessionHeader>'
    expect(sessionIn(header(`<a><b/>x</a>${session}`))).toBe('mine')
    expect(sessionIn(header(`<SessionHeader><x/></SessionHeader>${session}`))).toBe('mine')
    expect(sessionIn(header(`<x>${session}</x>`))).toBeUndefined()
    expect(sessionIn(`<Envelope><x><SessionHeader>${session}`)).toBeUndefined()
    expect(sessionIn(header('<SessionHeader><x><sessionId>no</sessionId></x><sessionId>a<b>no</b>c</sessionId>'))).toBe(
      'ac',
    )
    expect(sessionIn(header('<a>'.repeat(21_000) + session))).toBeUndefined()
  })

  test('its text is that of all elements in turn', () => {
    const root = parseXml('<a>1<b>2<c>3</c></b>4<d/></a>')
    expect('problem' in root ? root : textOf(root)).toBe('14 2 3 ')
  })
})

describe('forms', () => {
  const form = (count: number) => Array.from({ length: count }, (_, at) => `a${at}`).join('&')
  const TYPE = 'application/x-www-form-urlencoded'

  test('a query has no more than 1,000 fields', () => {
    expect(readQuery(Buffer.from(form(1000)), TYPE)).toContain('a999')
    expect(readQuery(Buffer.from(form(1001)), TYPE)).toEqual({
      problem: 'The proxy reads this form to judge it, and it has more than 1000 fields.',
    })
  })

  test('a login has no more than 1,000 fields', async () => {
    expect(await parameters(TYPE, form(1000))).toBeInstanceOf(Map)
    expect(await parameters(TYPE, form(1001))).toEqual({ problem: 'the request has more than 1000 parameters' })
  })
})

test('a job comes in no more than two parts', () => {
  const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n{}\r\n`
  const read = (...names: string[]) =>
    readJob(Buffer.from(`${names.map(part).join('')}--b--`), 'multipart/form-data; boundary=b')
  expect(read('job', 'content')).toBe('{}')
  for (const more of [1, 2, 3, 1000]) {
    expect(read('job', 'content', ...Array<string>(more).fill('more'))).toMatchObject({
      problem: expect.stringContaining('two parts, job and content') as string,
    })
  }
})

describe('who may not call makes nobody read a target', () => {
  const guard = createGuard({ ...OPEN, callerKeys: () => [] })
  const judged = (fields: Record<string, string>) => {
    const url = '/services/data/%zz'
    const raw = {
      method: 'GET',
      url,
      headers: fields,
      rawHeaders: Object.entries(fields).flat(),
      httpVersion: '1.1',
      socket: {},
    }
    let code: unknown
    guard.onRequest({ raw, method: 'GET', headers: fields } as never, {} as never, (error) => {
      code = error && 'code' in error && error.code
    })
    return code
  }

  test.each([
    ['a foreign host', { host: 'evil.example' }, 'PROXY_HOST_REFUSED'],
    ['a foreign page', { host: 'localhost', origin: 'https://evil.example' }, 'PROXY_ORIGIN_REFUSED'],
    ['no key', { host: 'localhost' }, 'PROXY_KEY_REQUIRED'],
  ])('%s comes before a malformed path', (_who, fields, code) => {
    expect(judged(fields)).toBe(code)
  })
})

function call(type: string, text: string, policyPath = '/services/oauth2/token') {
  const endpoint = policyPath.includes('soap') ? ('soap' as const) : ('token' as const)
  const body = Readable.from([Buffer.from(text)], { objectMode: false })
  return {
    endpoint,
    method: 'POST',
    policyPath,
    search: '',
    headers: { 'content-type': type },
    body,
    claim: claim(),
    caller: undefined,
  }
}

function parameters(type: string, text: string) {
  return readParameters(call(type, text))
}
