import { expect, test } from 'vitest'
import { explainListenError } from '../../src/cli/listen-error.ts'
import { loadSettings } from '../../src/config.ts'

function settingsWith(env: Record<string, string>) {
  const org = {
    CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
    CLOUDAWARE_CLIENT_ID: 'key',
    CLOUDAWARE_CLIENT_SECRET: 'secret',
  }
  return loadSettings({ env: { ...org, PROXY_TLS_PORT: '8443', ADMIN_PORT: '9091', ...env } })
}

const errorOf = (code: string, port: number) => Object.assign(new Error(`listen ${code}`), { code, port })

test.each([
  ['EADDRINUSE', 8080, /^PROXY_PORT: port 8080 on localhost is in use by a process without PROXY_REUSE_PORT/],
  ['EADDRINUSE', 8443, /^PROXY_TLS_PORT: port 8443 on localhost is in use by a process without PROXY_REUSE_PORT/],
  ['EADDRINUSE', 9091, /^ADMIN_PORT: port 9091 on 127\.0\.0\.1 is already in use/],
  ['ENOTSUP', 8080, /^PROXY_PORT: port 8080 on localhost cannot be shared: this system has no SO_REUSEPORT/],
  ['EACCES', 8080, /^PROXY_PORT: .* may not be used by this user/],
])('%s on port %d of an instance that shares its ports', (code, port, line) => {
  expect(explainListenError(errorOf(code, port), settingsWith({ PROXY_REUSE_PORT: 'true' }))).toMatch(line)
})

test('alone, a port in use is in use, and what is no listen error is not explained', () => {
  expect(explainListenError(errorOf('EADDRINUSE', 8080), settingsWith({}))).toMatch(/is already in use/)
  expect(explainListenError(errorOf('ENOTSUP', 8080), settingsWith({}))).toBeUndefined()
  expect(explainListenError(errorOf('EADDRINUSE', 1), settingsWith({ PROXY_REUSE_PORT: 'true' }))).toBeUndefined()
})
