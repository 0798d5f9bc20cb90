import { expect, test } from 'vitest'
import { lastHead, startAttacked } from '../support/attacked.ts'
import { statuses } from '../support/raw-bytes.ts'

const ENVELOPE =
  '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><run xmlns="http://soap.sforce.com/schemas/class/MyClass"/></e:Body></e:Envelope>'
const call = (path: string) =>
  lastHead(`POST ${path} HTTP/1.1`, `Content-Length: ${ENVELOPE.length}`, 'Content-Type: text/xml; charset=UTF-8') +
  ENVELOPE

test.each([
  ['none', {}, [403, 403]],
  ['one', { PROXY_ALLOWED_PATHS: '/services/Soap/class/MyClass' }, [200, 403]],
  ['all', { PROXY_ALLOWED_PATHS: '/services/Soap/class' }, [200, 200]],
  ['none of read-only', { PROXY_ALLOWED_PATHS: '/services/Soap/class', PROXY_READ_ONLY: 'true' }, [405, 405]],
])('web services of Apex classes: %s', async (_which, env, [mine, others]) => {
  await using place = await startAttacked(env)
  expect(statuses(await place.attack(call('/services/Soap/class/MyClass')))).toEqual([mine])
  for (const { body } of place.reached()) expect(String(await body)).toContain('<sessionId>00D000000000001!ours<')
  expect(statuses(await place.attack(call('/services/Soap/class/pkg/Other')))).toEqual([others])
})
