import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { generate } from 'selfsigned'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { keptSelfSigned } from '../../src/server/self-signed.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startStack } from '../support/stack.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { handshake } from '../support/tls-client.ts'

const DAY_MS = 86_400_000
const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256

/** A directory with pairs, and the https listener that shows the one at `live/`. */
async function setUp(layout: (file: (name: string) => string) => Promise<void>) {
  const directory = await temporaryDirectory()
  await layout(directory.file)
  const emulator = await startEmulator({ records: 1 })
  const env = {
    PROXY_TLS_PORT: '0',
    PROXY_TLS_CERT_FILE: directory.file('live/tls.crt'),
    PROXY_TLS_KEY_FILE: directory.file('live/tls.key'),
  }
  const app = await startStack(emulator, { env })
  const port = Number(new URL(app.tls?.url ?? '').port)
  return {
    app,
    file: directory.file,
    async shown(): Promise<string> {
      const socket = await handshake(port)
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await emulator.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

async function writePair(directory: string): Promise<string> {
  const { cert, key } = await selfSignedCertificate()
  await mkdir(directory, { recursive: true })
  await writeFile(`${directory}/tls.crt`, cert)
  await writeFile(`${directory}/tls.key`, key)
  return fingerprintOf(cert)
}

/** The link is made beside and moved over the old one, as Kubernetes and certbot do: at no moment is there none. */
async function relink(target: string, path: string): Promise<void> {
  await symlink(target, `${path}.new`)
  await rename(`${path}.new`, path)
}

test('a mounted secret of Kubernetes: one link swaps the directory with both files', async () => {
  await using place = await setUp(async (file) => {
    await writePair(file('live/..1'))
    await symlink('..1', file('live/..data'))
    for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, file(`live/${name}`))
  })
  const next = await writePair(place.file('live/..2'))
  await relink('..2', place.file('live/..data'))
  await place.app.logged('certificate read again')
  expect(await place.shown()).toBe(next)
  expect(await readlink(place.file('live/tls.crt'))).toBe('..data/tls.crt')
  expect(place.app.log()).not.toContain('of no use')
})

test('links that are moved one by one, as certbot does: the old pair is shown until both are there', async () => {
  await using place = await setUp(async (file) => {
    await writePair(file('archive/1'))
    await mkdir(file('live'))
    for (const name of ['tls.crt', 'tls.key']) await symlink(`../archive/1/${name}`, file(`live/${name}`))
  })
  const first = await place.shown()
  const next = await writePair(place.file('archive/2'))
  await relink('../archive/2/tls.crt', place.file('live/tls.crt'))
  await place.app.logged('the new certificate is of no use: the old one is kept')
  expect(await place.shown()).toBe(first)
  await relink('../archive/2/tls.key', place.file('live/tls.key'))
  await place.app.logged('certificate read again')
  expect(await place.shown()).toBe(next)
})

test('a key that is half written, or gone for a while, leaves the old pair in its place until it is whole', async () => {
  await using place = await setUp(async (file) => {
    await writePair(file('live'))
  })
  const first = await place.shown()
  const { cert, key } = await selfSignedCertificate()
  await writeFile(place.file('live/tls.key'), key.slice(0, 300))
  await place.app.logged('the new certificate is of no use: the old one is kept')
  expect(await place.shown()).toBe(first)
  await writeFile(place.file('live/tls.crt'), cert)
  await writeFile(place.file('live/tls.key'), key)
  await place.app.logged('certificate read again')
  expect(await place.shown()).toBe(fingerprintOf(cert))
  expect(place.app.log()).not.toContain(key.slice(40, 80))
})

test('the certificate of its own making is kept to its last thirty days, and then made anew, for its owner only', async () => {
  await using directory = await temporaryDirectory()
  const now = Date.now()
  const { pemFile, certFile } = await keptSelfSigned(directory.file('tls'), now)
  const first = fingerprintOf(await readFile(pemFile, 'utf8'))
  expect(fingerprintOf(await readFile(certFile, 'utf8'))).toBe(first)
  // Widened by a backup that was restored.
  await chmod(pemFile, 0o644)
  await keptSelfSigned(directory.file('tls'), now + 790 * DAY_MS)
  expect(fingerprintOf(await readFile(pemFile, 'utf8'))).toBe(first)
  expect((await stat(pemFile)).mode & 0o777).toBe(0o600)

  await keptSelfSigned(directory.file('tls'), now + 800 * DAY_MS)
  const pem = await readFile(pemFile, 'utf8')
  expect(fingerprintOf(pem)).not.toBe(first)
  expect(new X509Certificate(pem).validToDate.getTime()).toBeGreaterThan(now + 1_500 * DAY_MS)
  for (const path of [pemFile, certFile]) expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(directory.file('tls'))).mode & 0o777).toBe(0o700)
})

test('one whose key is another’s is made anew', async () => {
  await using directory = await temporaryDirectory()
  const { pemFile } = await keptSelfSigned(directory.file('tls'), Date.now())
  const kept = await readFile(pemFile, 'utf8')
  const { private: otherKey } = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 })
  await writeFile(pemFile, `${otherKey}\n${kept.slice(kept.indexOf('-----BEGIN CERTIFICATE'))}`)
  await keptSelfSigned(directory.file('tls'), Date.now())
  expect(fingerprintOf(await readFile(pemFile, 'utf8'))).not.toBe(fingerprintOf(kept))
})

test('several that start together keep one: that of the first', async () => {
  await using directory = await temporaryDirectory()
  const started = await Promise.all([1, 2, 3].map(() => keptSelfSigned(directory.file('tls'), Date.now())))
  const shown = await Promise.all(started.map(({ certFile }) => readFile(certFile, 'utf8')))
  const [first] = started
  const kept = fingerprintOf(await readFile(first?.pemFile ?? '', 'utf8'))
  expect(shown.map(fingerprintOf)).toEqual([kept, kept, kept])
  expect((await readdir(directory.file('tls'))).sort()).toEqual(['localhost.crt', 'localhost.pem'])
})
