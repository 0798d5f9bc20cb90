import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Agent, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import { expect, test } from 'vitest'
import { connectorFor } from '../../src/upstream/connector.ts'
import { openTunnel } from '../../src/upstream/tunnel.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { startOriginServer } from '../support/origin-server.ts'

const certificate = await selfSignedCertificate('acme.test')

test.each([
  ['https://acme.test', 'acme.test:443'],
  ['https://acme.test:8443', 'acme.test:8443'],
  ['https://[fd00::9]', '[fd00::9]:443'],
  ['https://[fd00::9]:8443', '[fd00::9]:8443'],
])('a tunnel to %s is asked for as %s', async (origin, authority) => {
  await using proxy = await startConnectProxy({ port: 1, refuses: '403 Forbidden' })
  const connect = connectorFor({ timeoutMs: 5000, proxy: { url: proxy.url, except: '' } })
  const agent = new Agent({ connect })
  await expect(agent.request({ origin, path: '/', method: 'GET' })).rejects.toMatchObject({ code: 'HTTPS_PROXY_403' })
  expect(proxy.asked.map((asked) => asked.authority)).toEqual([authority])
  await agent.destroy()
})

test('a proxy that speaks TLS is verified against Node’s own store, too', async () => {
  await using proxy = await startConnectProxy({ port: 1, tls: certificate })
  const opening = openTunnel('acme.test:443', { proxy: new URL(proxy.url), timeoutMs: 5000, secureContext: undefined })
  await expect(opening).rejects.toMatchObject({ code: 'HTTPS_PROXY_DEPTH_ZERO_SELF_SIGNED_CERT' })
  expect(proxy.asked).toEqual([])
})

test('what comes right behind the proxy’s answer belongs to the tunnel', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nearly'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const socket = await openTunnel('a.test:443', {
    proxy: new URL(`http://127.0.0.1:${port}`),
    timeoutMs: 5000,
    secureContext: undefined,
  })
  const [chunk] = (await once(socket, 'data')) as [Buffer] // no encoding was set
  expect(String(chunk)).toBe('early')
  socket.destroy()
  server.close()
})

/*
 * Why the tunnels are asked for by a connector of ours, and not by undici's own proxy agents.
 */

test('undici’s proxy agents make one field of several with the same name, and use another connector than they are given', async () => {
  await using origin = await startOriginServer((_, response) => response.end('ok'), certificate)
  await using proxy = await startConnectProxy({ port: origin.port })
  let asked = 0
  const agent = new EnvHttpProxyAgent({
    httpsProxy: proxy.url,
    noProxy: '',
    connect: (_options, callback) => {
      asked += 1
      callback(new Error('not to be used'), null)
    },
    requestTls: { ca: certificate.cert },
  })
  const headers = ['X-Twice', 'a', 'X-Twice', 'b']
  await agent.request({ origin: 'https://acme.test', path: '/', method: 'GET', headers })
  expect(origin.requests[0]?.rawHeaders.filter((text) => text.startsWith('X-Twice'))).toHaveLength(1)
  expect(asked).toBe(0)
  await agent.destroy()
})

test('undici’s proxy agent asks for a tunnel to loopback as well', async () => {
  await using origin = await startOriginServer((_, response) => response.end('ok'), certificate)
  await using proxy = await startConnectProxy({ port: origin.port })
  const agent = new ProxyAgent({ uri: proxy.url, requestTls: { ca: certificate.cert } })
  await agent.request({ origin: origin.url, path: '/', method: 'GET' })
  expect(proxy.asked).toHaveLength(1)
  await agent.destroy()
})
