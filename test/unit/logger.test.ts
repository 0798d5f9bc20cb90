import { expect, test } from 'vitest'
import { createLogger, lineRenderer } from '../../src/logger.ts'
import type { LoggerOptions } from '../../src/logger.ts'

const OPAQUE = '00D5g000004CABC!AQEAQNRmT_x.4wK8vZ1dHhQ2lPq7'
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_x'
const CONSUMER_KEY = `3MVG9${'aB3_.'.repeat(16)}`

function recorder(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ level: 'trace', destination, ...options })
  return { log, lines, printed: () => lines.join('') }
}

test('a line is JSON with the object first and the message second', () => {
  const { log, lines } = recorder()
  log.warn({ attempt: 2 }, 'token refresh failed')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 40,
    time: expect.any(Number) as number,
    attempt: 2,
    msg: 'token refresh failed',
  })
})

test('members that hold credentials are blanked at any depth, in lists, in errors and in bindings', () => {
  const { log, lines } = recorder()
  const child = log.child({ client_secret: 'v1' })
  child.info(
    {
      Authorization: 'v2',
      req: { headers: { 'proxy-authorization': 'v3', 'x-sfdc-session': 'v4', 'X-Api-Key': 'v5', accept: 'kept' } },
      deep: { a: { b: { c: { 'set-cookie': ['v6', 'v"7]'], cookie: 'v8 \\' } } } },
      CLOUDAWARE_CLIENT_SECRET: 'v9',
      err: Object.assign(new Error('kept too'), { body: { access_token: 'v10', assertion: 'v11' } }),
    },
    'kept as well',
  )
  const [line = ''] = lines
  expect(line).not.toMatch(/v"?\d|v\\"7/)
  expect(line.match(/\[redacted\]/g)).toHaveLength(10)
  expect(JSON.parse(line)).toMatchObject({
    req: { headers: { accept: 'kept' } },
    err: { message: 'kept too' },
    msg: 'kept as well',
  })
})

test.each([
  ['an opaque token', OPAQUE],
  ['an opaque token in a URL', encodeURIComponent(OPAQUE)],
  ['a JWT', JWT],
  ['a consumer key', CONSUMER_KEY],
  ['a Basic header', 'Basic dXNlcjpwYXNzd29yZA=='],
  ['a Bearer header', 'bearer abcdefghijklmnop'],
  ['a form', 'grant_type=x&client_secret=abcdefgh&y=1'],
  ['a token answer', '{"access_token": "abcdefgh", "scope":"api"}'],
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nabcdefgh\n-----END RSA PRIVATE KEY-----'],
])('%s is blanked wherever it stands in a text', (_, text) => {
  const { log, lines, printed } = recorder()
  log.error({ err: new Error(`refused: ${text}`, { cause: new Error(text) }), list: [text] }, `before ${text} after`)
  const secret = /abcdefgh|dXNlcjpw|AQEAQN|c2lnbmF0dXJl|aB3_/
  expect(text).toMatch(secret)
  expect(printed()).not.toMatch(secret)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: expect.stringMatching(/^before .*after$/s) as string })
})

test('a known secret is blanked in each form in which it travels, also one learned later', () => {
  const secrets = new Set(['p"ss w+rd/1'])
  const { log, printed } = recorder({ secrets: () => secrets })
  secrets.add('learned-later')
  log.info({ a: 'p"ss w+rd/1', b: 'p%22ss%20w%2Brd%2F1', c: 'x=p%22ss+w%2Brd%2F1&', d: 'is learned-later.' }, 'kept')
  expect(printed()).toMatch(/"a":"\[redacted\]","b":"\[redacted\]","c":"x=\[redacted\]&","d":"is \[redacted\]\."/)
})

test('hundreds of tokens over time are all blanked, and a tiny secret does not blank the log', () => {
  const issued = Array.from({ length: 200 }, (_, index) => `secret-number-${index}-end`)
  const secrets = ['e', '']
  const { log, printed } = recorder({ secrets: () => secrets })
  for (const token of issued) {
    secrets[1] = token
    log.info(`got ${token}`)
  }
  expect(printed()).not.toMatch(/secret-number/)
  expect(printed().match(/"msg":"got \[redacted\]"/g)).toHaveLength(200)
})

test('prose about tokens and passwords stays readable', () => {
  const { log, printed } = recorder()
  log.info('send it as X-Api-Key, as a Bearer token or as the Basic password')
  expect(printed()).toContain('as a Bearer token or as the Basic password')
})

test.each([
  ['auto', true, true],
  ['auto', false, false],
  ['pretty', false, true],
  ['json', true, false],
] as const)('format %s with a terminal: %s is pretty: %s', async (format, isTTY, isPretty) => {
  const { log, printed } = recorder({ render: await lineRenderer({ format, isTTY }) })
  log.info({ token: OPAQUE }, 'hello')
  expect(printed().startsWith('{')).toBe(!isPretty)
  expect(printed()).toContain('hello')
  expect(printed()).not.toContain('AQEAQN')
})

test('levels below the chosen one are not printed, and silent prints nothing', () => {
  const quiet = recorder({ level: 'silent' })
  quiet.log.fatal('x')
  expect(quiet.lines).toEqual([])
  const warned = recorder({ level: 'warn' })
  warned.log.info('x')
  warned.log.warn('y')
  expect(warned.lines).toHaveLength(1)
})
