import { symlink, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { adminAddress, plainAddress } from '../../src/cli/admin-address.ts'
import { ConfigError, loadSome } from '../../src/config.ts'
import fc from '../support/properties.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const nowhere = { argv: [], cwd: '/nonexistent' }

/** What the reader of all settings makes of these. */
function configured(env: Readonly<Record<string, string | undefined>>) {
  const { ADMIN_HOST: host, ADMIN_PORT: port } = loadSome(['ADMIN_HOST', 'ADMIN_PORT'], { ...nowhere, env })
  return { host, port }
}

test('without any setting the admin listener is looked for where it is by default', () => {
  expect(plainAddress({ ...nowhere, env: {} })).toEqual(configured({}))
})

test('what the environment alone says is read as the reader of all settings does', () => {
  const hosts = fc.constantFrom(undefined, '', ' ', '0.0.0.0', '::1', ' 10.0.0.7 ', 'name.example')
  const ports = fc.oneof(
    fc.constantFrom(undefined, '', ' ', '0', 'off', 'OFF', '09090', '-1', '65535', '65536', '1e3', 'tcp://10.0.0.1:80'),
    fc.integer({ min: -10, max: 70_000 }).map(String),
  )
  fc.assert(
    fc.property(hosts, ports, (ADMIN_HOST, ADMIN_PORT) => {
      const env = { ADMIN_HOST, ADMIN_PORT }
      const plain = plainAddress({ ...nowhere, env })
      if (plain !== undefined) expect(plain).toEqual(configured(env))
    }),
  )
})

test.each([['09090'], ['off'], ['65536'], ['tcp://10.0.0.1:80']])('a port of %s is left to it', (ADMIN_PORT) => {
  expect(plainAddress({ ...nowhere, env: { ADMIN_PORT } })).toBeUndefined()
})

test('flags and config.env are left to it, too, and beat or fill in what the environment says', async () => {
  await using folder = await temporaryDirectory()
  const env = { ADMIN_PORT: '9191' }
  const flags = ['--admin-port', '9292']
  expect(plainAddress({ argv: flags, env, cwd: folder.path })).toBeUndefined()
  expect(await adminAddress({ argv: flags, env, cwd: folder.path })).toEqual({ host: '127.0.0.1', port: 9292 })
  await writeFile(folder.file('config.env'), 'ADMIN_HOST=::\nADMIN_PORT=9393\n')
  expect(await adminAddress({ argv: [], env, cwd: folder.path })).toEqual({ host: '::1', port: 9191 })
  await writeFile(folder.file('config.env'), 'ADMIN_PROT=9393\n')
  await expect(adminAddress({ argv: [], env, cwd: folder.path })).rejects.toThrow(ConfigError)
})

test('a config.env that cannot be looked at is reported, not passed over', async () => {
  await using folder = await temporaryDirectory()
  // A link to itself, which root cannot follow either.
  await symlink('config.env', folder.file('config.env'))
  await expect(adminAddress({ argv: [], env: {}, cwd: folder.path })).rejects.toThrow('ELOOP')
})
