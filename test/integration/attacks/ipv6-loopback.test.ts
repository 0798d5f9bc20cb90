import { connect } from 'node:net'
import { lookup } from 'node:dns/promises'
import { expect, test } from 'vitest'
import { lastHead, startAttacked } from '../../support/attacked.ts'
import { statuses } from '../../support/raw-bytes.ts'

const GET = 'GET /services/data/v62.0/limits HTTP/1.1'

test.each([
  ...['[::1]', '[::1]:8080', '[0:0:0:0:0:0:0:1]:1', '[0000:0000:0000:0000:0000:0000:0000:0001]'],
  ...['[::ffff:127.0.0.1]:8080', '[::ffff:7f00:1]', '[::FFFF:127.9.9.9]'],
])('%s is this machine', async (host) => {
  await using place = await startAttacked()
  expect(statuses(await place.attack(lastHead(GET, `Host: ${host}`)))).toEqual([200])
  await place.expectOne()
})

test.each([
  '::1',
  '::1:8080',
  '[::1',
  '::1]',
  '[::1]x',
  '[::1]:x',
  '[::1%25lo]',
  '[::2]',
  '[fe80::1]',
  '[127.0.0.1]',
  '[localhost]',
])('%s is not', async (host) => {
  await using place = await startAttacked()
  expect(statuses(await place.attack(lastHead(GET, `Host: ${host}`)))).toEqual([403])
  await place.expectNothing()
})

test('the proxy listens on ::1 as well, where the machine has it, and serves it under its own address', async () => {
  await using place = await startAttacked({ PROXY_HOST: 'localhost' })
  const has6 = (await lookup('localhost', { all: true, family: 6 }).catch(() => [])).length > 0
  for (const host of has6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const socket = connect(place.port, host)
    socket.write(lastHead(GET, `Host: ${host.includes(':') ? `[${host}]` : host}:${place.port}`))
    expect(statuses((await socket.toArray()).join(''))).toEqual([200])
    await place.expectOne()
  }
})
