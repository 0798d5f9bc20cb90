import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { oddCertificate, type CertificateOptions } from '../support/odd-certificates.ts'
import { examine } from '../support/doctor.ts'
import { startOriginServer } from '../support/origin-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

function settingsFor(url: string, more: Record<string, string> = {}): Record<string, string> {
  return { CLOUDAWARE_URL: url, CLOUDAWARE_CLIENT_ID: 'key', CLOUDAWARE_CLIENT_SECRET: 'secret', ...more }
}

/** A listener of plain TCP on loopback, and what becomes of those who connect. */
async function listener(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listener on a TCP port has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    if (server.listening) await once(server, 'close')
  }
  return { port, close, [Symbol.asyncDispose]: close }
}

test('a name that DNS does not know', async () => {
  const { code, failed, out } = await examine(settingsFor('https://acme.my.salesforce.invalid'))
  expect({ code, failed }).toEqual({ code: 3, failed: 'DNS' })
  expect(out).toContain('acme.my.salesforce.invalid (CLOUDAWARE_URL) ')
  expect(out).toContain('Not tried: TCP, TLS, Host, Token, Introspection, Store, API, Run As user, CMDB.')
})

test('the host of CLOUDAWARE_TOKEN_URL is looked up too, and named by its setting', async () => {
  const env = settingsFor('http://127.0.0.1:1', {
    CLOUDAWARE_TOKEN_URL: 'https://login.acme.invalid/services/oauth2/token',
  })
  const { code, failed, out } = await examine(env)
  expect({ code, failed }).toEqual({ code: 3, failed: 'DNS' })
  expect(out).toContain('login.acme.invalid (CLOUDAWARE_TOKEN_URL) ')
})

test('a closed port', async () => {
  const { port, close } = await listener(() => undefined)
  await close()
  const { code, failed, out } = await examine(settingsFor(`https://127.0.0.1:${port}`))
  expect({ code, failed }).toEqual({ code: 3, failed: 'TCP' })
  expect(out).toContain('ECONNREFUSED')
})

test('a host that says nothing to a TLS greeting costs the time that --timeout allows', async () => {
  await using silent = await listener(() => undefined)
  const { code, failed, out } = await examine(settingsFor(`https://127.0.0.1:${silent.port}`), '--timeout=300ms')
  expect({ code, failed }).toEqual({ code: 3, failed: 'TLS' })
  expect(out).toContain('does not answer in time')
})

test('a host that speaks no TLS', async () => {
  await using plain = await listener((socket) => socket.end('220 mail.example ESMTP\r\n'))
  const { code, failed, out } = await examine(settingsFor(`https://127.0.0.1:${plain.port}`))
  expect({ code, failed }).toEqual({ code: 4, failed: 'TLS' })
  expect(out).toContain('come to no TLS connection')
})

test('a host that hangs up', async () => {
  await using rude = await listener((socket) => socket.destroy())
  const { code, failed } = await examine(settingsFor(`https://127.0.0.1:${rude.port}`))
  expect({ code, failed }).toEqual({ code: 3, failed: 'TLS' })
})

const DAY_MS = 86_400_000
const now = Date.now()

test.each<[string, CertificateOptions, string[]]>([
  ['self-signed', {}, ['is self-signed', 'CLOUDAWARE_CA_FILE']],
  ['of another name', { name: 'other.example' }, ['belongs to other.example, not to localhost']],
  ['not valid yet', { from: new Date(now + 30 * DAY_MS), to: new Date(now + 60 * DAY_MS) }, ['is not valid yet']],
  ['expired', { from: new Date(now - 60 * DAY_MS), to: new Date(now - 30 * DAY_MS) }, ['has expired (', 'GMT)']],
])('a certificate that is %s', async (kind, options, words) => {
  const tls = await oddCertificate(options)
  await using host = await startOriginServer((_request, response) => response.end(), tls)
  await using directory = await temporaryDirectory()
  await writeFile(directory.file('ca.pem'), tls.cert)
  // Trusted as far as its signature goes, save where that is the point.
  const trust: Record<string, string> = kind === 'self-signed' ? {} : { CLOUDAWARE_CA_FILE: directory.file('ca.pem') }
  const { code, failed, out } = await examine(settingsFor(`https://localhost:${host.port}`, trust))
  expect({ code, failed }).toEqual({ code: 4, failed: 'TLS' })
  for (const word of words) expect(out.replaceAll(/\s+/g, ' ')).toContain(word)
  expect(host.requests).toEqual([])
})

test('a certificate of a CA that this machine does not trust names that CA, and what to do', async () => {
  const ca = await oddCertificate({ authority: 'Acme TLS Inspection' })
  await using host = await startOriginServer((_request, response) => response.end(), await oddCertificate({ ca }))
  await using directory = await temporaryDirectory()
  const url = `https://localhost:${host.port}`
  const first = await examine(settingsFor(url))
  expect(first).toMatchObject({ code: 4, failed: 'TLS' })
  expect(first.out.replaceAll(/\s+/g, ' ')).toContain(
    'is signed by Acme TLS Inspection, whom this machine does not trust',
  )
  expect(first.out).toContain('Behind a TLS-inspecting proxy set')
  await writeFile(directory.file('ca.pem'), (await oddCertificate()).cert)
  const wrong = await examine(settingsFor(url, { CLOUDAWARE_CA_FILE: directory.file('ca.pem') }))
  expect(wrong.out.replaceAll(/\s+/g, ' ')).toContain('does not hold the certificate of this issuer')
  await writeFile(directory.file('ca.pem'), ca.cert)
  const mended = await examine(settingsFor(url, { CLOUDAWARE_CA_FILE: directory.file('ca.pem') }))
  expect(mended).toMatchObject({ failed: 'Host', statuses: { TLS: 'ok' } })
  expect(mended.out).toContain('certificate by Acme TLS Inspection')
})

test('a certificate that ends within days is a note', async () => {
  const tls = await oddCertificate({ to: new Date(now + 3 * DAY_MS) })
  await using host = await startOriginServer((_request, response) => response.end(), tls)
  await using directory = await temporaryDirectory()
  await writeFile(directory.file('ca.pem'), tls.cert)
  const trust = { CLOUDAWARE_CA_FILE: directory.file('ca.pem') }
  expect(await examine(settingsFor(`https://localhost:${host.port}`, trust))).toMatchObject({
    statuses: { TLS: 'note' },
  })
})
