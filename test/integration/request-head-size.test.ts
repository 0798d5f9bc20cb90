import { expect, test } from 'vitest'
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

test.each(['query', 'field'] as const)(
  'up to the proxy’s own limit nothing is refused here, beyond it 431 (long %s)',
  async (where) => {
    await using org = await startOrgAnswering(ok)
    expect(statuses(await sendRaw({ port: org.app.port }, headOf(OWN_LIMIT - 1024, where), 'stay'))).toEqual([200])
    expect(statuses(await sendRaw({ port: org.app.port }, headOf(OWN_LIMIT + 1024, where), 'stay'))).toEqual([431])
    expect(org.api()).toHaveLength(1)
  },
)
