import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { stateDirectory, sharedStateDirectory } from '../../src/cli/state-directory.ts'
import { loadSettings } from '../../src/config.ts'
import { SETTINGS } from '../../src/config/schema.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const NAMES = ['cloudaware-proxy.service', 'cloudaware-proxy@.service']

function unit(name: string) {
  const text = readFileSync(new URL(`../../deploy/systemd/${name}`, import.meta.url), 'utf8')
  return {
    text,
    /** What the unit assigns, by directive; a directive may stand several times. */
    assigned: (directive: string): string[] =>
      Array.from(text.matchAll(new RegExp(`^${directive}=(.*)$`, 'gm')), ([, value = '']) => value),
  }
}

describe.each(NAMES)('%s', (name) => {
  const { text, assigned } = unit(name)

  test('systemd accepts every line of the unit, where it is here to be asked', async () => {
    // No build machine need have it; ExecStart= must name a file that is there.
    const analyze = '/usr/bin/systemd-analyze'
    await using directory = await temporaryDirectory()
    const file = directory.file(name)
    writeFileSync(file, text.replaceAll('/usr/local/bin/cloudaware-proxy', '/bin/sh'))
    const { status, stderr } = existsSync(analyze)
      ? spawnSync(analyze, ['verify', file], { encoding: 'utf8' })
      : { status: 0, stderr: '' }
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  test('systemd is told when the proxy is ready and that it lives, by a child of the main process', () => {
    expect(assigned('Type')).toEqual(['notify'])
    expect(assigned('NotifyAccess')).toEqual(['all'])
    expect(assigned('WatchdogSec')).toEqual(['30s'])
  })

  test('the drain of the default settings fits into the time to stop', () => {
    const drainMs = ['DRAIN_DELAY_MS', 'DRAIN_TIMEOUT_MS'].map((name) => Number(SETTINGS.get(name)?.default))
    const [stop = ''] = assigned('TimeoutStopSec')
    expect(Number.parseInt(stop) * 1000).toBeGreaterThan(drainMs.reduce((sum, ms) => sum + ms, 5000))
  })

  test('wrong settings are not tried again and again', () => {
    expect(assigned('Restart')).toEqual(['on-failure'])
    expect(assigned('RestartPreventExitStatus')).toEqual(['2'])
  })

  test('the secret comes as a credential, and stands in no argument and no variable', () => {
    expect(assigned('LoadCredential')).toContain('client-secret:/etc/cloudaware-proxy/client-secret')
    expect(assigned('Environment')).toContain('CLOUDAWARE_CLIENT_SECRET_FILE=%d/client-secret')
    expect(text).not.toMatch(/CLOUDAWARE_CLIENT_SECRET=/)
  })

  test.each([
    ['DynamicUser', 'yes'],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['PrivateDevices', 'yes'],
    ['RestrictNamespaces', 'yes'],
    ['UMask', '0077'],
  ])('hardened: %s=%s', (directive, value) => {
    expect(assigned(directive)).toEqual([value])
  })
})

test('instances are named after their admin ports, share the proxy’s, and have settings that serve', () => {
  const { assigned } = unit('cloudaware-proxy@.service')
  const own = assigned('Environment').map((line) => line.replaceAll('%i', '9091').split('='))
  const env = Object.fromEntries(own.map(([key = '', value = '']) => [key, value.replace('%d', '/run/credentials')]))
  const org = { CLOUDAWARE_URL: 'https://acme.my.salesforce.com', CLOUDAWARE_CLIENT_ID: 'key' }
  const settings = loadSettings({ env: { ...org, ...env }, readFile: () => 'secret' })
  expect(settings).toMatchObject({ PROXY_REUSE_PORT: true, ADMIN_PORT: 9091 })
})

test('instances have one user, since the kernel asks for it, a state directory of their own, and one that is shared', () => {
  const { assigned } = unit('cloudaware-proxy@.service')
  expect(assigned('User')).toEqual(['cloudaware-proxy'])
  const [directories = ''] = assigned('StateDirectory')
  // As systemd hands them over.
  const env = { STATE_DIRECTORY: directories.split(' ').join(':').replaceAll('cloudaware', '/var/lib/cloudaware') }
  expect(stateDirectory({ env })).toContain('%i')
  expect(sharedStateDirectory({ env })).not.toContain('%i')
})

test('the service that has the port to itself makes room before an instance starts', () => {
  const { assigned } = unit('cloudaware-proxy@.service')
  expect(assigned('Conflicts')).toEqual(['cloudaware-proxy.service'])
  expect(assigned('After').join(' ')).toContain('cloudaware-proxy.service')
})
