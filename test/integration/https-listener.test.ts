import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { statuses } from '../support/raw-bytes.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { askTls, handshake } from '../support/tls-client.ts'

const LIMITS = '/services/data/v62.0/limits'

async function setUp(env: Record<string, string> = {}) {
  const directory = await temporaryDirectory()
  const emulator = await startEmulator({ records: 10 })
  const start = () =>
    startStack(emulator, {
      env: { PROXY_TLS_PORT: '0', ...env },
      stateDirectory: directory.file('state'),
    })
  return {
    directory,
    start,
    async [Symbol.asyncDispose]() {
      await emulator.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** What the app says of its https listener. */
function tlsOf(app: { tls: { url: string; certificate: string; fingerprint: string } | undefined }) {
  if (!app.tls) throw new Error('no https listener')
  return { ...app.tls, port: Number(new URL(app.tls.url).port) }
}

async function writePair(certFile: string, keyFile: string) {
  const pair = await selfSignedCertificate()
  await writeFile(certFile, pair.cert)
  await writeFile(keyFile, pair.key)
  return pair
}

const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256

async function shownBy(port: number): Promise<string> {
  const socket = await handshake(port)
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

describe('without a certificate of its own', () => {
  test('one for localhost is made, kept for its owner, and the same again at the next start', async () => {
    await using place = await setUp()
    let first: string
    {
      await using app = await place.start()
      const tls = tlsOf(app)
      first = tls.fingerprint
      const ca = await readFile(tls.certificate, 'utf8')
      expect(fingerprintOf(ca)).toBe(first)
      expect(ca).not.toContain('PRIVATE KEY')
      for (const host of ['localhost', '127.0.0.1']) {
        const reply = await askTls(`https://${host}:${tls.port}${LIMITS}`, ca)
        expect(reply.status).toBe(200)
        // It would pin every port of localhost.
        expect(reply.headers).not.toHaveProperty('strict-transport-security')
      }
      // The plain listener stays.
      expect((await fetch(app.url + LIMITS)).status).toBe(200)
    }
    const kept = place.directory.file('state/tls')
    expect((await stat(kept)).mode & 0o777).toBe(0o700)
    expect((await readdir(kept)).sort()).toEqual(['localhost.crt', 'localhost.pem'])
    for (const name of await readdir(kept)) expect((await stat(`${kept}/${name}`)).mode & 0o777).toBe(0o600)
    await using again = await place.start()
    expect(tlsOf(again).fingerprint).toBe(first)
  })

  test('it is no authority: whoever has its key can pose as nothing else', async () => {
    await using place = await setUp()
    await using app = await place.start()
    const certificate = new X509Certificate(await readFile(tlsOf(app).certificate))
    expect(certificate.ca).toBe(false)
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000
    expect(days).toBeLessThanOrEqual(825)
  })

  test('a damaged one is made anew', async () => {
    await using place = await setUp()
    const first = await (async () => {
      await using app = await place.start()
      return tlsOf(app).fingerprint
    })()
    await writeFile(place.directory.file('state/tls/localhost.pem'), 'half a fi')
    await using app = await place.start()
    expect(tlsOf(app).fingerprint).not.toBe(first)
    expect(await shownBy(tlsOf(app).port)).toBe(tlsOf(app).fingerprint)
  })
})

describe('a given certificate', () => {
  async function given() {
    const files = await temporaryDirectory()
    const [certFile, keyFile] = [files.file('tls.crt'), files.file('tls.key')]
    const pair = await writePair(certFile, keyFile)
    const place = await setUp({ PROXY_TLS_CERT_FILE: certFile, PROXY_TLS_KEY_FILE: keyFile })
    return {
      ...place,
      certFile,
      keyFile,
      pair,
      async [Symbol.asyncDispose]() {
        await place[Symbol.asyncDispose]()
        await files[Symbol.asyncDispose]()
      },
    }
  }

  test('is shown, and its successor to the connections after the change; those that are open go on', async () => {
    await using place = await given()
    await using app = await place.start()
    const { port, certificate } = tlsOf(app)
    expect(certificate).toBe(place.certFile)
    const old = await handshake(port)
    expect(old.getPeerCertificate().fingerprint256).toBe(fingerprintOf(place.pair.cert))

    const next = await selfSignedCertificate()
    // File by file, as certbot does: in between the two do not belong together.
    for (const [file, text] of [
      [place.certFile, next.cert],
      [place.keyFile, next.key],
    ] as const) {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
    while ((await shownBy(port)) !== fingerprintOf(next.cert)) await app.logged('certificate read again')
    old.write(`GET ${LIMITS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect((await old.setEncoding('utf8').toArray()).join('')).toMatch(/^HTTP\/1\.1 200/)
    expect(app.log()).not.toContain('PRIVATE KEY')
  })

  test('a successor that is of no use leaves the old one in its place', async () => {
    await using place = await given()
    await using app = await place.start()
    await writeFile(place.certFile, 'no certificate')
    await app.logged('the new certificate is of no use: the old one is kept')
    expect(app.log()).toContain('PROXY_TLS_CERT_FILE holds no PEM certificate.')
    expect(await shownBy(tlsOf(app).port)).toBe(fingerprintOf(place.pair.cert))
  })

  test('of no use from the start is a mistake of the configuration, without a word of the key', async () => {
    await using place = await given()
    const [cert, key] = [place.pair.cert, place.pair.key]
    const other = await selfSignedCertificate()
    for (const [certificate, secret, problem] of [
      ['nonsense', key, 'PROXY_TLS_CERT_FILE holds no PEM certificate.'],
      [cert, 'nonsense', 'PROXY_TLS_KEY_FILE holds no PEM private key without a passphrase.'],
      [cert, other.key, 'PROXY_TLS_CERT_FILE and PROXY_TLS_KEY_FILE do not belong together.'],
    ] as const) {
      await writeFile(place.certFile, certificate)
      await writeFile(place.keyFile, secret)
      await expect(place.start()).rejects.toMatchObject({ name: 'ConfigError', problems: [problem] })
    }
  })
})

describe('hygiene', () => {
  test('plain HTTP, garbage and a handshake that is never finished do no harm, and do not hold up the end', async () => {
    await using place = await setUp()
    await using app = await place.start()
    const { port } = tlsOf(app)
    for (const [bytes, status] of [
      ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
      ['\u0016\u0003\u0001garbage', undefined],
      ['', undefined],
    ] as const) {
      const socket = connect(port, '127.0.0.1')
      socket.end(bytes, 'latin1')
      expect(statuses((await socket.setEncoding('latin1').toArray()).join('')).at(0)).toBe(status)
    }
    const waiting = connect(port, '127.0.0.1').on('error', () => undefined)
    await once(waiting, 'connect')
    expect(await shownBy(port)).toBe(tlsOf(app).fingerprint)
    expect(await app.close()).toEqual({ drained: true })
    await once(waiting, 'close')
  })

  test('over TLS the same rules hold: a foreign Host is refused, the own origin is https', async () => {
    await using place = await setUp()
    await using app = await place.start()
    const { port } = tlsOf(app)
    const ask = async (...fields: string[]) => {
      const socket = await handshake(port)
      socket.write([`GET ${LIMITS} HTTP/1.1`, ...fields, 'Connection: close', '', ''].join('\r\n'))
      return (await socket.setEncoding('latin1').toArray()).join('')
    }
    expect(await ask('Host: evil.example')).toMatch(/^HTTP\/1\.1 403/)
    expect(await ask('Host: localhost', 'Origin: http://localhost')).toMatch(/^HTTP\/1\.1 403/)
    expect(await ask('Host: localhost', 'Origin: https://localhost')).toMatch(/^HTTP\/1\.1 200/)
  })
})
