import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { ask } from '../support/http-client.ts'
import { startOrg, startProxy } from '../support/large-bodies.ts'
import { head } from '../support/raw-bytes.ts'
import { seriesOf } from '../support/scrape.ts'

const MIB = 1024 * 1024
const COMPOSITE = '/services/data/v62.0/composite'
const PART = '{"method":"GET","url":"/services/data/v62.0/limits","referenceId":"r"}'
const composite = (padding: number) => `{"compositeRequest":[${PART}],"padding":"${'x'.repeat(padding)}"}`

const compose = (port: number, padding: number) =>
  ask(port, COMPOSITE, { method: 'POST', headers: { 'content-type': 'application/json' }, body: composite(padding) })

/** A proxy that has served, and its resident memory in MiB. */
async function startServing(org: { url: string }) {
  const proxy = await startProxy(org.url)
  const heldBytes = async () => {
    const series = seriesOf((await ask(proxy.adminPort, '/metrics')).text)
    return series.find(({ name }) => name === 'cloudaware_proxy_held_body_bytes')?.value
  }
  for (let n = 0; n < 20; n++) await compose(proxy.port, 2_000)
  expect(await heldBytes()).toBe(0)
  return { ...proxy, heldBytes, rest: proxy.memory('VmRSS') }
}

/** Begins a composite and stays, without its end. */
function begin(port: number, bytes: Buffer): { readonly socket: Socket; answer: string } {
  const socket = connect(port, '127.0.0.1')
  const caller = { socket, answer: '' }
  socket.on('error', () => undefined)
  socket.on('data', (answer: Buffer) => (caller.answer += answer.toString('latin1')))
  socket.write(head(`POST ${COMPOSITE} HTTP/1.1`, `Content-Length: ${2 * MIB}`))
  socket.write(bytes)
  return caller
}

test('a hundred callers with a large composite each, never finished: what is held is bounded, and the others are served', async () => {
  await using org = await startOrg()
  await using proxy = await startServing(org)
  const bytes = Buffer.from(composite(MIB - 200))
  const callers = Array.from({ length: 100 }, () => begin(proxy.port, bytes))
  const answered = () => callers.filter(({ answer }) => answer !== '')
  while ((await proxy.heldBytes()) !== (100 - answered().length) * bytes.length) await new Promise(setImmediate)
  // 64 MiB of them.
  expect(answered()).toHaveLength(36)
  for (const { answer } of answered()) expect(answer).toMatch(/^HTTP\/1.1 503 [^]*PROXY_MEMORY_FULL/)
  // What is held, and what a hundred connections and the pieces on their way cost.
  expect(proxy.memory('VmHWM') - proxy.rest).toBeLessThan(64 + 64)

  expect((await ask(proxy.port, '/services/data/v62.0/limits?bytes=10')).status).toBe(200)
  // The usual composite has its reserve.
  expect((await compose(proxy.port, 4_000)).status).toBe(200)
  const refused = await compose(proxy.port, 200_000)
  expect([refused.status, refused.json()]).toMatchObject([503, [{ errorCode: 'PROXY_MEMORY_FULL' }]])
  expect(refused.headers).toMatchObject({
    'retry-after': '2',
    'proxy-status': 'cloudaware-proxy; error=http_request_denied; details="PROXY_MEMORY_FULL"',
  })

  for (const { socket } of callers) socket.destroy()
  while ((await proxy.heldBytes()) !== 0) await new Promise(setImmediate)
  expect((await compose(proxy.port, 200_000)).status).toBe(200)
})

test('a body that comes byte by byte costs what it holds, not what its pieces cost', async () => {
  await using org = await startOrg()
  await using proxy = await startServing(org)
  const pieces = Array.from(composite(MIB / 2), (byte) => `1\r\n${byte}\r\n`).join('')
  const socket = connect(proxy.port, '127.0.0.1')
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes.toString('latin1'))
    })
  })
  socket.write(head(`POST ${COMPOSITE} HTTP/1.1`, 'Transfer-Encoding: chunked'))
  socket.write(`${pieces}0\r\n\r\n`)
  expect(await answer).toMatch(/^HTTP\/1.1 200 /)
  socket.destroy()
  expect(proxy.memory('VmHWM') - proxy.rest).toBeLessThan(100)
})
