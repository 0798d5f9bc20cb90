import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { withAdaptedParser } from '../../src/upstream/response-parser.ts'

test.each([
  ['a failure', [new Error('refused'), null]],
  ['a connection that has no parser', [null, new Socket()]],
] as const)('%s is passed on as it is', (_, result) => {
  const connector = withAdaptedParser((_options, callback) => {
    // One of the two is null.
    callback(...(result as unknown as Parameters<typeof callback>))
  })
  let passed: unknown
  connector({ hostname: 'localhost', protocol: 'http:', port: '1' }, (...given) => {
    passed = given
  })
  expect(passed).toEqual(result)
})
