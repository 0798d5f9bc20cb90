import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { ask } from '../../support/http-client.ts'
import { startOrgAnswering } from '../../support/org-answering.ts'
import { head } from '../../support/raw-bytes.ts'
import { openRaw, type RawConnection } from '../../support/raw-http.ts'

/* Who asks for much and reads nothing of it holds a connection to Cloudaware, too; but a reader may take its time while nobody waits. */

const SECOND = 1000
const SIZE = 32 * 1024 * 1024

/** Two connections to an org whose answers are larger than all the buffers on their way. */
async function setUp() {
  const clock = new FakeClock()
  const answers = new Map<string, ServerResponse>()
  const org = await startOrgAnswering(
    (request, response) => {
      const { url = '' } = request
      if (!url.includes('large')) {
        response.end('ok')
        return
      }
      answers.set(url.slice(-1), response)
      response.writeHead(200, { 'content-length': SIZE }).end(Buffer.alloc(SIZE, 'x'))
    },
    { clock, env: { UPSTREAM_CONNECTIONS: '2', UPSTREAM_QUEUE_TIMEOUT_MS: '3600000' } },
  )
  await org.app.tokenEvent('obtained')
  return {
    ...org,
    clock,
    /** A caller that reads nothing of its answer, once nothing more of it comes through. */
    async unreading(name: string): Promise<RawConnection> {
      const caller = openRaw(org.app.port)
      caller.socket.pause()
      caller.socket.write(head(`GET /services/data/large/${name} HTTP/1.1`, `X-Request-Id: ${name}`))
      await stuck(() => answers.get(name)?.writableLength)
      return caller
    },
    answer: (name: string) => answers.get(name),
    async waiting(): Promise<unknown> {
      const status = (await ask(Number(new URL(String(org.app.adminUrl)).port), '/status')).json()
      return (status as { connections: { waiting: number } }).connections.waiting // as /status is documented
    },
  }
}

async function stuck(left: () => number | undefined): Promise<void> {
  let [last, same]: [number | undefined, number] = [undefined, 0]
  const lookAgain = () => {
    const now = left()
    same = now !== undefined && now === last ? same + 1 : 0
    last = now
    return same
  }
  await expect.poll(lookAgain, { interval: 25 }).toBeGreaterThan(10)
  expect(last).toBeGreaterThan(0)
}

test('whoever has not read for the longest loses the connection after two minutes, and the request that waits is served', async () => {
  await using org = await setUp()
  using first = await org.unreading('1')
  await org.clock.advance(10 * SECOND)
  using second = await org.unreading('2')
  const ordinary = ask(org.app.port, '/services/data/ordinary')
  await expect.poll(() => org.waiting(), { interval: 10 }).toBe(1)
  await org.clock.advance(109 * SECOND)
  expect(await org.waiting()).toBe(1)
  await org.clock.advance(1 * SECOND)
  expect((await ordinary).text).toBe('ok')
  expect(await org.app.accessLine('"1"')).toMatchObject({
    status: 200,
    error: 'PROXY_UPSTREAM_BUSY',
    rule: 'unread answer',
    brokenOff: true,
  })
  // Nobody waits any more: the other one may go on.
  await org.clock.advance(300 * SECOND)
  second.socket.resume()
  expect((await second.until('x'.repeat(16))).startsWith('HTTP/1.1 200')).toBe(true)
  expect(await org.app.accessLine('"2"')).not.toHaveProperty('error')
  first.socket.resume()
  expect((await first.untilClosed()).length).toBeLessThan(SIZE)
})

test('who reads on, however late, is not the one who has kept still', async () => {
  await using org = await setUp()
  using first = await org.unreading('1')
  using second = await org.unreading('2')
  await org.clock.advance(100 * SECOND)
  first.socket.resume()
  const ordinary = ask(org.app.port, '/services/data/ordinary')
  await expect.poll(() => org.answer('1')?.writableFinished, { interval: 10 }).toBe(true)
  expect((await ordinary).text).toBe('ok')
  await org.clock.advance(30 * SECOND)
  second.socket.resume()
  expect(await org.app.accessLine('"2"')).not.toHaveProperty('brokenOff')
})

test('nothing is looked at any more when all is read', async () => {
  await using org = await setUp()
  const atRest = org.clock.sleepers
  using caller = await org.unreading('1')
  expect(org.clock.sleepers).toBe(atRest + 1)
  caller.socket.resume()
  await expect.poll(() => org.answer('1')?.writableFinished, { interval: 10 }).toBe(true)
  await org.app.accessLine('"1"')
  await org.clock.advance(SECOND)
  expect(org.clock.sleepers).toBe(atRest)
})
