import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { judgeSoap, peekSoap, soapOperation } from '../../src/server/soap-policy.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'

const roomy = () => new BodyMemory({ totalBytes: 1_000_000 }).claim({ isNeeded: true })

const envelope = (body: string, header = '') =>
  `<?xml version="1.0"?>\n<!-- <Body><logout/> --><se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/">${header}<se:Body>${body}</se:Body></se:Envelope>`

describe('the operation is the first element of the Body', () => {
  test.each([
    ['query', envelope('<query xmlns="urn:partner"><queryString>SELECT</queryString></query>')],
    ['logout', envelope('\n  <u:logout a="x>y" b=\'"/>\'/>')],
    [
      'create',
      envelope('<create>', '<se:Header><s:SessionHeader><s:sessionId>a</s:sessionId></s:SessionHeader></se:Header>'),
    ],
    ['query', envelope('<query/>', '<se:Header><x><Body><logout/></Body></x></se:Header>')],
    ['query', envelope('<query/>', '<se:Header/>')],
    ['query', `\u00EF\u00BB\u00BF<Envelope><Body><query>`],
    ['query', '<Envelope><Body><!-- <logout/> --><?pi <logout/>?><query>'],
  ])('%s', (operation, xml) => {
    expect(soapOperation(xml)).toEqual({ operation })
  })

  test('and every shorter text asks for more', () => {
    const xml = envelope('<query a="b" c=\'d\'>', '<se:Header><a b="c"/><c>text</c></se:Header>')
    const end = xml.indexOf('>', xml.indexOf('<query'))
    for (let length = 0; length <= end; length++) expect(soapOperation(xml.slice(0, length))).toBe('more')
  })
})

test.each([
  ['a DOCTYPE', '<!DOCTYPE x [<!ENTITY a "b">]><Envelope><Body><query/>'],
  ['CDATA where no text belongs', '<Envelope><Body><![CDATA[<query/>]]><logout/>'],
  ['UTF-16', Buffer.from('<Envelope><Body><query/>', 'utf16le').toString('latin1')],
  ['another root', '<html><body><query/>'],
  ['text before the root', 'x<Envelope><Body><query/>'],
  ['text where none belongs', '<Envelope><Body>x<query/>'],
  ['text alone', 'grant_type=password'],
  ['an element beside Header and Body', '<Envelope><Other/><Body><query/>'],
  ['tags that do not match', '<Envelope><Header><a></b></Header><Body><query/>'],
  ['an end without a start', '</Envelope>'],
  ['a broken tag', '<Envelope><Body a=<query/>'],
  ['an empty name', '<Envelope>< Body>'],
])('%s cannot be judged', (_what, xml) => {
  expect(soapOperation(xml)).toMatchObject({ code: 'PROXY_PATH_REFUSED' })
})

test('hostile texts are read as short ones are, however long', () => {
  const repeated = (piece: string, times: number) =>
    ['<Envelope><Header><x ', '<Envelope><Header><x>', '<'].map((start) => {
      const read = soapOperation(`${start}${piece.repeat(times)}<`)
      return read === 'more' || 'operation' in read ? read : read.code
    })
  for (const piece of ['<', 'a', '<a ', '<!--', '<a b="', "x='", ' ', '<a/>', '</a>'])
    expect(repeated(piece, 60_000), piece).toEqual(repeated(piece, 60))
})

describe('policy', () => {
  const judge = (operation: string, service: string, isReadOnly = false, allowedPaths: string[] = []) =>
    judgeSoap(operation, `/services/soap/${service}/64.0`, { isReadOnly, allowedPaths })

  test.each([
    ['login', 'u'],
    ['logout', 'c'],
    ['LogOut', 'u'],
    ['invalidateSessions', 'u'],
    ['setPassword', 'u'],
    ['resetPassword', 'u'],
    ['changeOwnPassword', 'u'],
    ['executeAnonymous', 't'],
    ['deploy', 'm'],
    ['deployRecentValidation', 'm'],
    ['createMetadata', 'm'],
    ['update', 'm'],
    ['renameMetadata', 'm'],
    ['create', 't'],
    ['delete', 't'],
  ])('%s on %s is refused, and lifted by naming it', (operation, service) => {
    expect(judge(operation, service)).toMatchObject({
      code: 'PROXY_PATH_REFUSED',
      rule: `soap:${operation.toLowerCase()}`,
    })
    expect(judge(operation, service, false, [`soap:${operation}`])).toBeUndefined()
    expect(judge(operation, service, false, ['/', '/services/soap', 'soap:other'])).toBeDefined()
  })

  test.each([
    ['create', 'u'],
    ['delete', 'c'],
    ['describeMetadata', 'm'],
    ['retrieve', 'm'],
    ['query', 't'],
  ])('%s on %s passes', (operation, service) => {
    expect(judge(operation, service)).toBeUndefined()
  })

  test.each([
    ['u', ['query', 'queryMore', 'queryAll', 'search', 'describeSObjects', 'retrieve', 'getUserInfo', 'getDeleted']],
    ['c', ['query', 'getServerTimestamp', 'getUpdated', 'describeGlobal']],
    ['t', ['query', 'describeSObjects']],
    [
      'm',
      [
        'listMetadata',
        'readMetadata',
        'describeMetadata',
        'describeValueType',
        'retrieve',
        'checkRetrieveStatus',
        'checkDeployStatus',
        'checkStatus',
      ],
    ],
  ])('reads of the service %s: %j', (service, operations) => {
    for (const operation of operations) expect(judge(operation, service, true), operation).toBeUndefined()
  })

  test.each([
    ['class/Mine', ['query', 'getUserInfo', 'describeAll', 'retrieve', 'checkStatus']],
    ['class', ['query']],
    ['class/ns/u', ['query']],
    ['s', ['executeAnonymous', 'compileClasses', 'compileAndTest', 'runTests', 'getUserInfo', 'describeX']],
    ['m', ['query', 'cancelDeploy', 'describeAndDeploy', 'getUserInfo']],
    ['t', ['executeAnonymous', 'runTests', 'runTestsAsynchronous', 'listMetadata']],
    ['u', ['listMetadata', 'checkStatus', 'constructor']],
    ['uu', ['query']],
    ['', ['query']],
  ])('whatever of %s could change something does not read: %j', (service, operations) => {
    const lifted = operations.map((operation) => `soap:${operation}`)
    for (const operation of operations) {
      expect(judge(operation, service, true, lifted), operation).toMatchObject({ rule: 'PROXY_READ_ONLY' })
    }
  })

  test.each([
    'create',
    'update',
    'upsert',
    'delete',
    'undelete',
    'merge',
    'process',
    'sendEmail',
    'convertLead',
    'queryx',
  ])('%s does not', (operation) => {
    expect(judge(operation, 'u', true)).toMatchObject({ rule: 'PROXY_READ_ONLY' })
  })

  test('lifting a refusal does not make a write of it that read-only would pass', () => {
    expect(judge('deploy', 'm', true, ['soap:deploy'])).toMatchObject({ rule: 'PROXY_READ_ONLY' })
  })
})

describe('reading', () => {
  test('stops at the operation and keeps what it took', async () => {
    const stream = new PassThrough()
    stream.write('<Envelope><Body><query>rest')
    const { held, found } = await peekSoap(stream, roomy())
    expect(found).toBe('query')
    expect(held.toString()).toBe('<Envelope><Body><query>rest')
    stream.end('more')
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('more')
  })

  test('finds it across single bytes', async () => {
    const xml = Buffer.from('\uFEFF<Envelope><Body><query>')
    const { found } = await peekSoap(Readable.from(Array.from(xml, (byte) => Buffer.from([byte]))), roomy())
    expect(found).toBe('query')
  })

  test.each([
    ['an empty body', []],
    ['an unfinished one', [Buffer.from('<Envelope><Body>')]],
    [
      '64 KiB without an operation',
      [Buffer.from('<Envelope>'), Buffer.alloc(70_000, ' '), Buffer.from('<Body><query>')],
    ],
  ])('refuses %s', async (_what, chunks) => {
    expect((await peekSoap(Readable.from(chunks), roomy())).found).toMatchObject({ rule: 'body not judged' })
  })
})
