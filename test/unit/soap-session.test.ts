import { describe, expect, test } from 'vitest'
import { MAX_SOAP_HEAD_BYTES, SoapSession, type SoapHead } from '../../src/upstream/soap-session.ts'
import fc from '../support/properties.ts'

const PARTNER = '/services/Soap/u/62.0'
const BODY =
  '<s:Body><query xmlns="urn:partner.soap.sforce.com"><sessionId>kept</sessionId></query></s:Body></s:Envelope>'
const ADDED = '<SessionHeader xmlns="urn:partner.soap.sforce.com"><sessionId>TOKEN</sessionId></SessionHeader>'
const OPEN = '<?xml version="1.0" encoding="utf-8"?>\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'

/** Everything that would go out, for a body that comes in these chunks; the sentence where it is refused. */
function sent(chunks: readonly Buffer[], path = PARTNER, token = 'TOKEN'): Buffer | string {
  const session = new SoapSession(token, path)
  for (const [at, chunk] of chunks.entries()) {
    const result = session.push(chunk)
    if (result) return whole(result, chunks.slice(0, at + 1), chunks.slice(at + 1))
  }
  return whole(session.end(), chunks, [])
}

function whole(result: SoapHead | { problem: string }, taken: readonly Buffer[], rest: readonly Buffer[]) {
  if ('problem' in result) return result.problem
  expect(result.delta).toBe(result.head.length - Buffer.concat(taken).length)
  return Buffer.concat([result.head, ...rest])
}

function rewritten(xml: string, path = PARTNER, token = 'TOKEN'): string {
  return sent([Buffer.from(xml)], path, token).toString()
}

describe('the session of a SessionHeader is replaced, and nothing else', () => {
  test.each([
    ['<sessionId>x</sessionId>', '<sessionId>TOKEN</sessionId>'],
    ['<u:sessionId xmlns:u="urn:x" >x</u:sessionId\n>', '<u:sessionId xmlns:u="urn:x" >TOKEN</u:sessionId>'],
    ['<sessionId/>', '<sessionId>TOKEN</sessionId>'],
    ['<!--><sessionId/>--><sessionId/>', '<!--><sessionId/>--><sessionId>TOKEN</sessionId>'],
    ['<sessionId a=">"  />', '<sessionId a=">"  >TOKEN</sessionId>'],
    ["<sessionId xsi:nil = 'true'/>", '<sessionId>TOKEN</sessionId>'],
    ['<sessionId a="1" xsi:nil="true" b="2"></sessionId>', '<sessionId a="1" b="2">TOKEN</sessionId>'],
    ['<sessionId><![CDATA[x</sessionId>]]></sessionId>', '<sessionId>TOKEN</sessionId>'],
    ['<sessionId><!-- </sessionId> -->x&amp;<?pi </sessionId>?></sessionId>', '<sessionId>TOKEN</sessionId>'],
    ['<sessionId><sessionId>x</sessionId></sessionId>', '<sessionId>TOKEN</sessionId>'],
    [
      '<sessionId>x</sessionId>\n<sessionId>y</sessionId>',
      '<sessionId>TOKEN</sessionId>\n<sessionId>TOKEN</sessionId>',
    ],
    [
      '<!-- <sessionId>c</sessionId> --><sessionId>x</sessionId>',
      '<!-- <sessionId>c</sessionId> --><sessionId>TOKEN</sessionId>',
    ],
    [
      '<a><sessionId>a</sessionId></a><sessionId>x</sessionId>',
      '<a><sessionId>a</sessionId></a><sessionId>TOKEN</sessionId>',
    ],
  ])('%s', (before, after) => {
    const around = (id: string) =>
      `${OPEN}<s:Header><Other><sessionId>o</sessionId></Other><SessionHeader xmlns="urn:partner.soap.sforce.com">${id}</SessionHeader><a/></s:Header>${BODY}`
    expect(rewritten(around(before))).toBe(around(after))
  })

  test('in every SessionHeader there is', () => {
    const two = (id: string) =>
      `${OPEN}<s:Header><SessionHeader>${id}</SessionHeader><x:SessionHeader>${id}</x:SessionHeader></s:Header>${BODY}`
    expect(rewritten(two('<sessionId>x</sessionId>'))).toBe(two('<sessionId>TOKEN</sessionId>'))
  })

  test('with markup in the token escaped', () => {
    const envelope = (id: string) =>
      `${OPEN}<s:Header><SessionHeader><sessionId>${id}</sessionId></SessionHeader></s:Header>${BODY}`
    expect(rewritten(envelope('x'), PARTNER, 'a&b<c$1')).toBe(envelope('a&amp;b&lt;c$1'))
  })
})

describe('what is missing is added', () => {
  test.each([
    ['the Header', '', `<s:Header>${ADDED}</s:Header>`],
    ['what an empty Header lacks', '<h:Header a="1"/>', `<h:Header a="1">${ADDED}</h:Header>`],
    ['what a Header lacks', '<s:Header><a>1</a> </s:Header>', `<s:Header><a>1</a> ${ADDED}</s:Header>`],
    [
      'what an empty SessionHeader lacks',
      '<s:Header><u:SessionHeader xmlns:u="x" /></s:Header>',
      '<s:Header><u:SessionHeader xmlns:u="x" ><u:sessionId>TOKEN</u:sessionId></u:SessionHeader></s:Header>',
    ],
    [
      'what a SessionHeader lacks',
      '<s:Header><u:SessionHeader><!-- --></u:SessionHeader></s:Header>',
      '<s:Header><u:SessionHeader><!-- --><u:sessionId>TOKEN</u:sessionId></u:SessionHeader></s:Header>',
    ],
    [
      'each SessionHeader its own',
      '<s:Header><SessionHeader><sessionId/></SessionHeader><u:SessionHeader/></s:Header>',
      '<s:Header><SessionHeader><sessionId>TOKEN</sessionId></SessionHeader><u:SessionHeader><u:sessionId>TOKEN</u:sessionId></u:SessionHeader></s:Header>',
    ],
  ])('%s', (_what, before, after) => {
    expect(rewritten(`${OPEN}${before}${BODY}`)).toBe(`${OPEN}${after}${BODY}`)
  })

  test('with the prefix of the Envelope, be it none', () => {
    const envelope = (header: string) => `<Envelope xmlns="soap">${header}<s:Body xmlns:s="soap"/></Envelope>`
    expect(rewritten(envelope(''))).toBe(envelope(`<Header>${ADDED}</Header>`))
  })

  test.each([
    ['/services/Soap/u/62.0', 'urn:partner.soap.sforce.com'],
    ['//services/soap/C/62.0/0DF1?x', 'urn:enterprise.soap.sforce.com'],
    ['/services/Soap/m/62.0', 'http://soap.sforce.com/2006/04/metadata'],
    ['/services/Soap/T/62.0', 'urn:tooling.soap.sforce.com'],
    ['/services/Soap/s', 'http://soap.sforce.com/2006/08/apex'],
    ['/services/Soap/class/My', 'http://soap.sforce.com/schemas/class/My'],
    ['/services/Soap/class/pkg/My?wsdl', 'http://soap.sforce.com/schemas/class/pkg/My'],
    ['/services/Soap/class/SOAP', 'http://soap.sforce.com/schemas/class/SOAP'],
  ])('%s in the namespace of its service', (path, namespace) => {
    expect(rewritten(`${OPEN}${BODY}`, path)).toContain(`<SessionHeader xmlns="${namespace}"><sessionId>TOKEN<`)
  })

  test.each([
    ['/services/%53oap/%75/62.0', '/services/soap/u/62.0', 'urn:partner.soap.sforce.com'],
    ['/services/Soap;x/T/62.0/', '/services/soap/t/62.0', 'urn:tooling.soap.sforce.com'],
    [
      '/services/Soap/%63lass/pkg/M%79;x?wsdl',
      '/services/soap/class/pkg/my',
      'http://soap.sforce.com/schemas/class/pkg/My',
    ],
  ])('%s in that of the service which the policy took it for', (path, policyPath, namespace) => {
    const session = new SoapSession('TOKEN', path, policyPath)
    const xml = Buffer.from(`${OPEN}${BODY}`)
    expect(whole(session.push(xml) ?? session.end(), [xml], []).toString()).toContain(
      `<SessionHeader xmlns="${namespace}">`,
    )
  })

  test('a class that is not called as the policy read it has none', () => {
    const session = new SoapSession('TOKEN', '/services/Soap/class/pkg;x/My', '/services/soap/class/pkg/my')
    expect(session.push(Buffer.from(`${OPEN}${BODY}`))).toMatchObject({
      problem: expect.stringContaining('names no SOAP service') as string,
    })
  })

  test.each(['/services/Soap/x/62.0', '/services/Soap/unknown', '/services/Soap', '/services/Soap/class/'])(
    '%s has no known namespace: only a SessionHeader that is there is filled',
    (path) => {
      const refusal = /names no SOAP service/
      expect(rewritten(`${OPEN}${BODY}`, path)).toMatch(refusal)
      expect(rewritten(`${OPEN}<s:Header/>${BODY}`, path)).toMatch(refusal)
      expect(rewritten(`${OPEN}<s:Header><SessionHeader/></s:Header>${BODY}`, path)).toContain('TOKEN')
    },
  )
})

const SAMPLE = `<s:Envelope xmlns:s='soap > "'><!-- <s:Body> --><s:Header>\u00e9\u3c3e<h:SessionHeader><h:sessionId>\u4e2d<![CDATA[</h:sessionId>]]></h:sessionId></h:SessionHeader></s:Header><s:Body>\u00e9\u2260 end</s:Body></s:Envelope>`
const REPLACED = SAMPLE.replace(/<h:sessionId>.*<\/h:sessionId>/s, '<h:sessionId>TOKEN</h:sessionId>')

const ENCODINGS: Record<string, (text: string) => Buffer> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16LE with a byte order mark': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16BE with a byte order mark': (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
  'UTF-16LE without': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16BE without': (text) => Buffer.from(text, 'utf16le').swap16(),
}

describe.each(Object.entries(ENCODINGS))('%s', (_name, encode) => {
  test('is read, and kept byte for byte around the session', () => {
    expect(sent([encode(SAMPLE)])).toEqual(encode(REPLACED))
  })

  test('is read however the body is cut into chunks', () => {
    const bytes = encode(SAMPLE)
    const cuts = fc.array(fc.nat(bytes.length)).map((list) => [0, ...list.sort((a, b) => a - b), bytes.length])
    fc.assert(
      fc.property(cuts, (list) => {
        const chunks = list.slice(1).map((end, at) => bytes.subarray(list[at], end))
        expect(sent(chunks)).toEqual(encode(REPLACED))
      }),
    )
  })

  test('is read byte by byte, with the head given as soon as the Body begins or soon after', () => {
    const bytes = encode(SAMPLE)
    expect(sent(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(encode(REPLACED))
  })
})

test.each(['utf-8', 'UTF8', 'us-ascii', 'ISO-8859-15', 'windows-1252', 'utf-16'])('a declared %s is read', (name) => {
  expect(rewritten(`<?xml version='1.0' encoding = '${name}' ?>${SAMPLE}`)).toContain('TOKEN')
})

test.each(['utf-7', 'ISO-2022-JP', 'IBM037', ''])(
  'a declared %s is refused: other bytes could be markup there',
  (name) => {
    expect(rewritten(`\ufeff<?xml encoding="${name}"?>${SAMPLE}`)).toMatch(/superset of ASCII/)
  },
)

test('a body of any size is held no further than its head', () => {
  const session = new SoapSession('TOKEN', PARTNER)
  expect(session.push(Buffer.from(`${OPEN}<s:Header/><s:Bo`))).toBeUndefined()
  const big = Buffer.concat([Buffer.from('dy>'), Buffer.alloc(1_000_000, 'x')])
  const result = session.push(big)
  expect(result).toHaveProperty('delta', ADDED.length + '</s:Header>'.length - 1)
})

describe('refused, since it could hold a session of the caller', () => {
  const doctype = '<!DOCTYPE x [<!ENTITY e "<sessionId>">]>'
  test.each([
    ['no XML', 'hello', /ended before/],
    ['JSON', '{"a":1}', /ended before/],
    ['an end too soon', `${OPEN}<s:Header>`, /ended before/],
    ['an end within a tag', `${OPEN}<s:Body a="`, /ended before/],
    ['an end within a comment', `${OPEN}<!-- <s:Body>`, /ended before/],
    ['an end within a declaration', '<!DOC', /ended before/],
    ['a document type', `${doctype}${OPEN}${BODY}`, /document type/],
    ['another root', '<html><Body/></html>', /no SOAP envelope/],
    ['no Body', `${OPEN}<s:Header/></s:Envelope>`, /no SOAP envelope/],
    ['an empty Envelope', '<Envelope/>', /no SOAP envelope/],
    ['two Headers', `${OPEN}<s:Header/><s:Header/>${BODY}`, /no SOAP envelope/],
    ['something between Header and Body', `${OPEN}<s:Header/><s:Other/>${BODY}`, /no SOAP envelope/],
    ['crossed tags', `${OPEN}<s:Header><a></b></a></s:Header>${BODY}`, /no SOAP envelope/],
    ['a close without an open', `</a>${OPEN}${BODY}`, /no SOAP envelope/],
  ])('%s', (_what, xml, sentence) => {
    expect(rewritten(xml)).toMatch(sentence)
  })

  test('a Header that does not end within 64 KiB, as soon as that is known', () => {
    const session = new SoapSession('TOKEN', PARTNER)
    const padding = `${OPEN}<s:Header><a>`.padEnd(MAX_SOAP_HEAD_BYTES - 1, 'x')
    expect(session.push(Buffer.from(padding))).toBeUndefined()
    expect(session.push(Buffer.from('x'))).toEqual({ problem: expect.stringMatching(/64 KiB/) as string })
  })

  test('a Body that begins beyond 64 KiB, though it came in the same chunk', () => {
    const header = (length: number) => `${OPEN}<s:Header><a>`.padEnd(length, 'x') + '</a></s:Header>'
    expect(rewritten(header(MAX_SOAP_HEAD_BYTES) + BODY)).toMatch(/64 KiB/)
    expect(rewritten(header(MAX_SOAP_HEAD_BYTES - 100) + BODY)).toContain('TOKEN')
  })
})

test('an empty body passes: it carries no session', () => {
  expect(new SoapSession('TOKEN', PARTNER).end()).toEqual({ head: Buffer.alloc(0), delta: 0 })
  expect(sent([Buffer.alloc(0)])).toEqual(Buffer.alloc(0))
})

test('64 KiB made to be slow are read in linear time', () => {
  const filler = [' ', '<a>', '<a ', '"', '<!--', '<![CDATA[', '&', ' x:nil', '</', '<?xml encoding']
  for (const text of filler) {
    const session = new SoapSession('TOKEN', PARTNER)
    const body = Buffer.from(
      `${OPEN}<s:Header><SessionHeader><sessionId${text.repeat(MAX_SOAP_HEAD_BYTES / text.length)}`,
    )
    for (let at = 0; at < body.length; at += 7) session.push(body.subarray(at, at + 7))
    expect(session.end()).toHaveProperty('problem')
  }
})

test('no header, and no bytes, make it throw, nor let a session of the caller through', () => {
  const piece = fc.constantFrom(
    ...[
      '<s:Header>',
      '</s:Header>',
      '<SessionHeader>',
      '</SessionHeader>',
      '<sessionId>SECRET</sessionId>',
      '<sessionId/>',
    ],
    ...[
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<a b=">">',
      '</a>',
      ' ',
      '<',
      '>',
      '"',
      '<s:Body/>',
      '<SessionHeader/>',
      '<?x',
      '?>',
    ],
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const result = rewritten(`${OPEN}${pieces.join('')}${BODY}`)
      if (result.startsWith('<')) expect(result).toMatch(/<sessionId>TOKEN<\/sessionId>/)
    }),
    { numRuns: 2000 },
  )
})
