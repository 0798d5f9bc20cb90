import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { examine, settingsOf } from '../support/doctor.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Nobody asks DNS for it: the company's proxy leads there. */
const HOST = 'acme-check.my.salesforce.com'

async function company(options: { refuses?: string } = {}) {
  const tls = await selfSignedCertificate(HOST)
  const org = await startEmulator({ tls })
  const proxy = await startConnectProxy({ port: org.port, ...options })
  const directory = await temporaryDirectory()
  await writeFile(directory.file('ca.pem'), tls.cert)
  const env = {
    ...settingsOf(org),
    CLOUDAWARE_URL: `https://${HOST}`,
    CLOUDAWARE_CA_FILE: directory.file('ca.pem'),
    HTTPS_PROXY: proxy.url.replace('://', '://user:hidden-pw@'),
  }
  return {
    env,
    proxy,
    org,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await org.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

test('behind a company proxy it is the proxy that is looked up and connected to, and the org that shows its certificate', async () => {
  await using acme = await company()
  const { code, out, statuses } = await examine(acme.env)
  expect({ code, statuses }).toMatchObject({ code: 0, statuses: { DNS: 'ok', TCP: 'ok', TLS: 'ok', CMDB: 'ok' } })
  const { host, port } = new URL(acme.proxy.url)
  expect(out).toContain('the company proxy 127.0.0.1 is an address already')
  expect(out).toContain(`127.0.0.1 accepts connections on port ${port}`)
  expect(out.replaceAll(/\s+/g, ' ')).toContain(`${HOST} through ${host}: TLSv1.3, certificate by localhost`)
  expect(out).toContain('the My Domain of a Salesforce org')
  expect(out).not.toContain('hidden-pw')
  expect(new Set(acme.proxy.asked.map(({ authority }) => authority))).toEqual(new Set([`${HOST}:443`]))
})

test('a certificate that fails through a tunnel is named as elsewhere', async () => {
  await using acme = await company()
  const untrusting = { ...acme.env, CLOUDAWARE_CA_FILE: '' }
  const examined = await examine(untrusting)
  expect(examined).toMatchObject({ code: 4, failed: 'TLS' })
  expect(examined.out).toContain('is self-signed')
  const machine = await examine(untrusting, '--json')
  expect(machine.out).toContain('"fingerprint": "')
})

test.each([
  ['407 Proxy Authentication Required', 2, 'asks for a user name and a password'],
  ['403 Forbidden', 3, `does not connect to ${HOST}`],
])('a company proxy that answers %s', async (refuses, code, words) => {
  await using acme = await company({ refuses })
  const examined = await examine(acme.env)
  expect(examined).toMatchObject({ code, failed: 'TLS' })
  expect(examined.out.replaceAll(/\s+/g, ' ')).toContain(words)
  expect(examined.out).not.toContain('hidden-pw')
})

test('a company proxy that is not there, or whose name is not', async () => {
  await using acme = await company()
  await acme.proxy[Symbol.asyncDispose]()
  expect(await examine(acme.env)).toMatchObject({ code: 3, failed: 'TCP' })
  const unknown = await examine({ ...acme.env, HTTPS_PROXY: 'http://proxy.acme.invalid:3128' })
  expect(unknown).toMatchObject({ code: 3, failed: 'DNS' })
  expect(unknown.out).toContain('proxy.acme.invalid (HTTPS_PROXY)')
})
