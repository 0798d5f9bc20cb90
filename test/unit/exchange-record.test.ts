import { expect, test } from 'vitest'
import { createCredentialNet } from '../../src/inspector/credential-net.ts'
import { recordOf } from '../../src/inspector/exchange-record.ts'
import { toHar } from '../../src/inspector/har.ts'
import { BodyCapture } from '../../src/server/body-capture.ts'
import { BodyMemory } from '../../src/upstream/body-memory.ts'
import { exchangeOf } from '../support/exchange.ts'
import { harProblems } from '../support/har.ts'
import fc from '../support/properties.ts'

const SECRET = 'a-secret-of-this-proxy'
const net = createCredentialNet(() => [SECRET])

const strange = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '%',
    '?',
    '?_HttpMethod=%',
    '?q=%zz',
    '//',
    ';',
    SECRET,
    `sid=${SECRET}`,
    '00D000000000001!x',
    '{"password":"',
  ),
)
const coding = fc.constantFrom('gzip', 'br', 'deflate', 'identity', 'klingon')
const type = fc.oneof(
  fc.string(),
  fc.constantFrom('text/plain; charset=utf-16le', 'application/json; charset="x"', 'text/csv'),
)

test('whatever was sent, it can be kept, shown and exported, and holds no secret', () => {
  fc.assert(
    fc.property(
      strange,
      strange,
      coding,
      type,
      fc.uint8Array({ maxLength: 200 }),
      (target, value, encoding, mime, noise) => {
        const bodies = new BodyCapture(new BodyMemory({ totalBytes: 1_000_000 }))
        const body = Buffer.concat([Buffer.from(value), noise, Buffer.from(SECRET)])
        bodies.request.add(body)
        bodies.answer.add(body)
        const headers = ['X-Strange', value, 'Content-Encoding', encoding, 'Content-Type', mime]
        const exchange = exchangeOf({
          target: `/${target}`,
          sentHeaders: headers,
          answerHeaders: headers,
          bodies,
          bytesIn: body.length,
          bytesOut: body.length,
        })
        const { summary, detail, body: kept } = recordOf({ n: 1, startedAt: 0, exchange, replayOf: null }, net)
        const har = toHar([detail], { version: '1', url: 'http://localhost:8080' })
        const everything = JSON.stringify([summary, detail, har]) + String(kept?.toString('latin1'))
        expect(everything).not.toContain(SECRET)
        expect(harProblems(JSON.parse(JSON.stringify(har)))).toBeUndefined()
      },
    ),
    { numRuns: 200 },
  )
})
