import { expect, test } from 'vitest'
import { pino } from 'pino'
import { ProxyError } from '../../src/errors.ts'
import { createLogger, infoOwn } from '../../src/logger.ts'
import { logAccess } from '../../src/server/access-log.ts'
import { exchangeOf, factsOf } from '../support/exchange.ts'
import fc from '../support/properties.ts'

/** The line that createLogger's logger writes, and whether any of it was put into JSON by pino. */
function written(exchange: Parameters<typeof logAccess>[1], secrets: readonly string[] = []): string {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  logAccess(createLogger({ level: 'info', destination, secrets: () => secrets }), exchange)
  expect(lines).toHaveLength(1)
  return lines.join('').replace(/"time":\d+/, '"time":0')
}

/** The line as pino alone writes it. */
function byPino(exchange: Parameters<typeof logAccess>[1]): string {
  const lines: string[] = []
  logAccess(pino({ base: null }, { write: (line) => lines.push(line) }), exchange)
  return lines.join('').replace(/"time":\d+/, '"time":0')
}

test('a line put together here is the one that pino writes, to the byte', () => {
  const ms = fc.double({ min: 0, max: 1e9, noNaN: true })
  // Most of what is sent needs no escape: lines of that alone are put together here.
  const text = fc.oneof({ weight: 9, arbitrary: fc.string() }, fc.string({ unit: 'binary', maxLength: 8 }))
  const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
  const facts = fc.record({
    bytesIn: fc.nat(),
    bytesOut: fc.nat(),
    sessionReplaced: fc.boolean(),
    sfdcRequestId: maybe(text),
  })
  fc.assert(
    fc.property(
      fc.record({
        id: text,
        target: text,
        status: maybe(fc.nat()),
        ms,
        upstreamMs: maybe(ms),
        bytesOut: fc.nat(),
        caller: maybe(text),
      }),
      maybe(facts),
      fc.boolean(),
      (parts, known, isBrokenOff) => {
        const exchange = { ...exchangeOf(parts), isBrokenOff, facts: known && { ...factsOf(), ...known } }
        expect(written(exchange)).toBe(byPino(exchange))
      },
    ),
  )
})

test.each(['id', 'target', 'caller', 'sfdcRequestId'])('a credential in %s is blanked as in any line', (member) => {
  for (const credential of ['Bearer abcdefghijklmnop', '00D000000000001!abc', 'eyJa.b', 'the "secret"', 'a secret']) {
    const text = `x ${credential}`
    const exchange = exchangeOf({ [member]: text, facts: factsOf({ sfdcRequestId: text }) })
    const line = written(exchange, ['the "secret"', 'a secret'])
    expect(line).toContain('[redacted]')
    expect(line).not.toContain(JSON.stringify(credential).slice(1, -1))
  }
})

test('what the proxy answers itself is told with its rule', () => {
  const problem = new ProxyError('PROXY_PATH_REFUSED', { cause: { rule: '/services/oauth2/**' } })
  expect(JSON.parse(written(exchangeOf({ problem })))).toMatchObject({
    error: 'PROXY_PATH_REFUSED',
    rule: '/services/oauth2/**',
  })
})

test("another's logger has no such way", () => {
  expect(infoOwn(pino({}, { write: () => undefined }), { members: '', passing: [], recurring: [], message: 'x' })).toBe(
    false,
  )
})

test('a secret that comes later is blanked in lines like those before', () => {
  const secrets = new Set<string>()
  const lines: string[] = []
  const log = createLogger({
    level: 'info',
    destination: { write: (line) => lines.push(line) },
    secrets: () => secrets,
  })
  logAccess(log, exchangeOf({ target: '/a/hidden/path' }))
  secrets.add('hidden')
  logAccess(log, exchangeOf({ target: '/a/hidden/path' }))
  expect(lines.map((line) => line.includes('hidden'))).toEqual([true, false])
})
