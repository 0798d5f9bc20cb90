import { describe, expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

/* The session of all callers is a record (AuthSession, ids of 0Ak): who deletes it logs everybody out. */

const V = '/services/data/v62.0'
const SESSION = '0Ak000000000001AAA'
const ask = (request: string) => lastHead(`${request} HTTP/1.1`)
const send = (request: string, body: string, ...fields: string[]) =>
  lastHead(`${request} HTTP/1.1`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...fields) + body

async function expectRefused(bytes: string): Promise<void> {
  await using place = await startAttacked({ PROXY_LOGIN: 'off' })
  const answer = await place.attack(bytes)
  expect(statuses(answer)).toEqual([403])
  expect(answer).toContain('sobjects/**/authsession')
  await place.expectNothing()
}

describe('by REST', () => {
  test.each([
    ['as a row', ask(`DELETE ${V}/sobjects/AuthSession/${SESSION}`)],
    ['as a row of another type', ask(`DELETE ${V}/sobjects/Account/${SESSION}`)],
    ['at the end of a relationship', ask(`DELETE ${V}/sobjects/SessionPermSetActivation/0Ql000000000001/AuthSession`)],
    ['by the UI API', ask(`DELETE ${V}/ui-api/records/${SESSION}`)],
    ['among several', ask(`DELETE ${V}/composite/sobjects?ids=001000000000001,${SESSION}&allOrNone=false`)],
    ['among several, encoded', ask(`DELETE ${V}/composite/sobjects?%69ds=001000000000001%2c%30%41k000000000001`)],
    ['in a repeated parameter', ask(`DELETE ${V}/composite/sobjects?ids=001000000000001&ids=${SESSION}`)],
    ['by another spelling of the path', ask(`DELETE //services/data/v62.0/Composite;x/sObjects.json/?ids=${SESSION}`)],
    ['by a method in the query', ask(`GET ${V}/composite/sobjects?ids=${SESSION}&_HttpMethod=DELETE`)],
    [
      'by a method in a field',
      lastHead(`POST ${V}/composite/sobjects?ids=${SESSION} HTTP/1.1`, 'X-HTTP-Method-Override: DELETE'),
    ],
    [
      'in a composite',
      send(
        `POST ${V}/composite`,
        JSON.stringify({
          compositeRequest: [{ method: 'DELETE', url: `${V}/composite/sobjects?ids=${SESSION}`, referenceId: 'r' }],
        }),
      ),
    ],
    [
      'in a composite, of those that it asked for',
      send(
        `POST ${V}/composite`,
        JSON.stringify({
          compositeRequest: [
            { method: 'GET', url: `${V}/query?q=SELECT Id FROM AuthSession`, referenceId: 'r' },
            { method: 'DELETE', url: `${V}/composite/sobjects?ids=@{r.records[0].Id}`, referenceId: 's' },
          ],
        }),
      ),
    ],
  ])('%s', async (_how, bytes) => {
    await expectRefused(bytes)
  })
})

test('who names the rule may end sessions', async () => {
  await using place = await startAttacked({ PROXY_ALLOWED_PATHS: '/services/data/*/sobjects/**/authsession/**' })
  expect(statuses(await place.attack(ask(`DELETE ${V}/composite/sobjects?ids=${SESSION}`)))).toEqual([200])
  await place.expectOne()
})

test('other records are deleted as ever, and sessions listed', async () => {
  await using place = await startAttacked()
  for (const bytes of [
    ask(`DELETE ${V}/composite/sobjects?ids=001000000000001,a0Ak00000000001`),
    ask(`GET ${V}/query?q=SELECT+Id+FROM+AuthSession+WHERE+Id='${SESSION}'`),
    ask(`GET ${V}/sobjects/AuthSession/${SESSION}`),
  ]) {
    expect(statuses(await place.attack(bytes))).toEqual([200])
    await place.expectOne()
  }
})
