import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { Agent, fetch as fetchWith } from 'undici'
import { expect, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { selfSignedCertificate } from '../support/certificates.ts'
import { FakeCli } from '../support/fake-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

function settingsIn(text: string): Record<string, string | undefined> {
  return parseEnv(text)
}

test('the emulator tells how to point a proxy at it, answers the token endpoint, and stops', async () => {
  await using cli = new FakeCli(['emulator'])
  expect(await run(cli)).toBeUndefined()
  const { CLOUDAWARE_URL: url, CLOUDAWARE_CLIENT_ID, CLOUDAWARE_CLIENT_SECRET } = settingsIn(cli.printed)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: String(CLOUDAWARE_CLIENT_ID),
    client_secret: String(CLOUDAWARE_CLIENT_SECRET),
  })
  const answer = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body })
  expect(await answer.json()).toMatchObject({ token_type: 'Bearer', instance_url: url })
  expect(await cli.stop()).toBe(true)
  await expect(fetch(`${url}/services/data`)).rejects.toThrow()
})

test('the emulator says in one line that its port is in use', async () => {
  await using first = new FakeCli(['emulator'])
  await run(first)
  const port = new URL(String(settingsIn(first.printed).CLOUDAWARE_URL)).port
  const second = new FakeCli(['emulator', '--port', port])
  expect(await run(second)).toBe(1)
  expect(second.complained).toBe(
    `--port: port ${port} on 127.0.0.1 is already in use. Choose another, or 0 for any free one.\n`,
  )
})

test('what nobody caught is told on the standard error', async () => {
  await using cli = new FakeCli(['emulator'])
  await run(cli)
  const [stop] = cli.stops
  stop?.onCrash(new Error('a mistake'))
  stop?.onCrash('no error')
  expect(cli.complained).toMatch(/^Error: a mistake\n(.*\n)*no error\n$/)
})

test('with a certificate the emulator speaks https', async () => {
  await using folder = await temporaryDirectory()
  const { key, cert } = await selfSignedCertificate()
  const [certFile, keyFile] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  await using cli = new FakeCli(['emulator', '--tls-cert-file', certFile, '--tls-key-file', keyFile])
  expect(await run(cli)).toBeUndefined()
  const { CLOUDAWARE_URL: url } = settingsIn(cli.printed)
  expect(url).toMatch(/^https:/)
  const dispatcher = new Agent({ connect: { ca: cert } })
  const answer = await fetchWith(`${url}/services/data`, { dispatcher })
  expect(answer.status).toBe(200)
  await dispatcher.destroy()
})

test('one file without the other, or one that is not there, is a mistake told by its flag', async () => {
  const alone = new FakeCli(['emulator', '--tls-cert-file', 'cert.pem'])
  expect(await run(alone)).toBe(2)
  expect(alone.complained).toContain('--tls-cert-file and --tls-key-file come together.')
  const missing = new FakeCli(['emulator', '--tls-cert-file', 'no-such.pem', '--tls-key-file', 'nor-this.pem'])
  expect(await run(missing)).toBe(2)
  expect(missing.complained).toContain('--tls-cert-file must name a file that can be read.')
  expect(missing.complained).toContain('--tls-key-file must name a file that can be read.')
})
