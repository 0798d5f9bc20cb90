import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SETTINGS } from '../../src/config/schema.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const text = readFileSync(new URL('../../deploy/systemd/cloudaware-proxy.service', import.meta.url), 'utf8')

/** What the unit assigns, by directive; a directive may stand several times. */
function assigned(directive: string): string[] {
  return Array.from(text.matchAll(new RegExp(`^${directive}=(.*)$`, 'gm')), ([, value = '']) => value)
}

test('systemd accepts every line of the unit, where it is here to be asked', async () => {
  // No build machine need have it; ExecStart= must name a file that is there.
  const analyze = '/usr/bin/systemd-analyze'
  await using directory = await temporaryDirectory()
  const unit = directory.file('cloudaware-proxy.service')
  writeFileSync(unit, text.replaceAll('/usr/local/bin/cloudaware-proxy', '/bin/sh'))
  const { status, stderr } = existsSync(analyze)
    ? spawnSync(analyze, ['verify', unit], { encoding: 'utf8' })
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
