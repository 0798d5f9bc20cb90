import { describe, expect, test } from 'vitest'
import { startOrgAnswering } from '../support/org-answering.ts'
import type { Answer } from '../support/origin-server.ts'
import { sendRaw, statuses } from '../support/raw-bytes.ts'

/** What the platform takes: request line and headers together. */
const PLATFORM_LIMIT = 16_384
/** What the proxy takes: cookies and other fields that it drops come on top. */
const OWN_LIMIT = 32 * 1024

const ok: Answer = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

/** A request head of exactly this many bytes, padded in its query or in a field. */
function headOf(size: number, where: 'query' | 'field'): string {
  const frame = (query: string, field: string) =>
    `GET /services/data/v62.0/query?q=${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Padding: ${field}\r\n\r\n`
  const padding = 'p'.repeat(size - frame('', '').length)
  return where === 'query' ? frame(padding, '') : frame('', padding)
}

test.each(['query', 'field'] as const)('a head of 16,384 bytes goes through, ours on top (long %s)', async (where) => {
  await using org = await startOrgAnswering(ok)
  const answer = await sendRaw({ port: org.app.port }, headOf(PLATFORM_LIMIT, where), 'stay')
  expect(statuses(answer)).toEqual([200])
  const [seen] = org.api()
  expect(seen?.target.length ?? 0).toBeGreaterThan(where === 'query' ? 16_000 : 10)
  expect(String(seen?.headers['x-padding']).length).toBeGreaterThan(where === 'field' ? 16_000 : -1)
  expect(seen?.headers).toMatchObject({
    via: '1.1 cloudaware-proxy',
    authorization: expect.stringMatching(/^Bearer/) as string,
  })
})

test('fields that the proxy may drop take a head up to its own limit, beyond it 431', async () => {
  await using org = await startOrgAnswering(ok)
  const send = (size: number) => sendRaw({ port: org.app.port }, headOf(size, 'field'), 'stay')
  expect(statuses(await send(OWN_LIMIT - 1024))).toEqual([200])
  expect(statuses(await send(OWN_LIMIT + 1024))).toEqual([431])
  expect(org.api()).toHaveLength(1)
})

/** A target of exactly this many bytes. */
function targetOf(size: number, path = '/services/data/v62.0/query?q='): string {
  return path + '.'.repeat(size - path.length)
}

const get = (target: string, ...fields: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...fields, '', ''].join('\r\n')

test('a target of 16,384 bytes arrives byte for byte', async () => {
  await using org = await startOrgAnswering(ok)
  const target = targetOf(PLATFORM_LIMIT)
  expect(statuses(await sendRaw({ port: org.app.port }, get(target), 'stay'))).toEqual([200])
  expect(org.api().map((request) => request.target)).toEqual([target])
})

describe('a target of one byte more', () => {
  test.each([
    ['in the query', targetOf(PLATFORM_LIMIT + 1)],
    ['in the path', targetOf(PLATFORM_LIMIT + 1, '/a')],
    ['in slashes that would be collapsed', `/${'/'.repeat(PLATFORM_LIMIT)}`],
    ['with a malformed escape', targetOf(PLATFORM_LIMIT + 1, '/%zz')],
  ])('%s is refused by its length, and named in the log', async (_where, target) => {
    await using org = await startOrgAnswering(ok)
    const answer = await sendRaw({ port: org.app.port }, get(target), 'stay')
    expect(statuses(answer)).toEqual([414])
    expect(answer).toContain('"errorCode":"PROXY_TARGET_TOO_LONG"')
    expect(answer).toContain('longer than the 16,384 bytes that Cloudaware accepts. It has 16,385 bytes')
    expect(answer.toLowerCase()).toMatch(/x-request-id: \S+/)
    expect(org.api()).toEqual([])
  })

  test('is refused on the admin listener as well, and a target that cannot be decoded is not repeated', async () => {
    await using org = await startOrgAnswering(ok)
    const admin = { port: Number(new URL(String(org.app.adminUrl)).port) }
    for (const path of ['/a', '/%zz']) {
      const answer = await sendRaw(admin, get(targetOf(PLATFORM_LIMIT + 1, path)), 'stay')
      expect(statuses(answer)).toEqual([414])
      expect(answer).toContain('It has 16,385 bytes')
    }
    const malformed = await sendRaw(admin, get('/%zz-not-repeated'), 'stay')
    expect(statuses(malformed)).toEqual([400])
    expect(malformed).toContain('PROXY_REQUEST_INVALID')
    expect(malformed).not.toContain('not-repeated')
  })
})
