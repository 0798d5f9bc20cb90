import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { closedPeers } from '../../src/server/closed-peers.ts'

const isLinux = process.platform === 'linux'

/** Both ends of a connection to a server on `host`. */
async function connected(host: string, family: 4 | 6) {
  const server = createServer({ allowHalfOpen: true }).listen(0, host)
  await once(server, 'listening')
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as { port: number }
  const accepted = once(server, 'connection')
  const client = connect({ port, host: family === 4 ? '127.0.0.1' : '::1', allowHalfOpen: true })
  const [peer] = (await accepted) as [Socket] // what the event carries
  peer.resume()
  return {
    client,
    peer,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      peer.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

describe.runIf(isLinux).each([
  ['IPv4', '127.0.0.1', 4],
  ['IPv6', '::1', 6],
  ['IPv4 through IPv6', '::', 4],
] as const)('over %s', (_, host, family) => {
  test('a client that has closed its socket is gone; one that is open or half-closed is not', async () => {
    await using open = await connected(host, family)
    await using half = await connected(host, family)
    await using gone = await connected(host, family)
    half.client.end()
    gone.client.destroy()
    await Promise.all([once(half.peer, 'end'), once(gone.peer, 'end')])
    expect(await closedPeers([open.peer, half.peer, gone.peer])).toEqual([gone.peer])
  })
})

test('nothing is known of a connection that is closed on our side', async () => {
  await using both = await connected('127.0.0.1', 4)
  both.peer.destroy()
  expect(await closedPeers([both.peer])).toEqual([])
})
