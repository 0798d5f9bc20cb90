import { expect, test } from 'vitest'
import { loggerFor } from '../../src/cli/serve.ts'
import { describeSettings, loadSettings } from '../../src/config.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'secret',
}

async function logged(sources: Parameters<typeof loadSettings>[0]): Promise<unknown[]> {
  const lines: string[] = []
  const settings = loadSettings({ ...sources, env: { ...ORG, ...sources.env } })
  await loggerFor(settings, { isTTY: false, out: (text) => lines.push(text) })
  return lines.map((line) => JSON.parse(line) as unknown)
}

const WARNING = { level: 40, setting: 'WORKERS', replacement: 'PROXY_REUSE_PORT' }

test.each([
  ['the environment', { env: { WORKERS: '4' } }],
  ['a flag', { argv: ['--workers', '4'] }],
  ['config.env', { cwd: '/', readFile: () => 'WORKERS=4' }],
])('several workers asked for by %s: one warning names the replacement', async (_, sources) => {
  expect(await logged(sources)).toEqual([expect.objectContaining(WARNING)])
})

test('one worker is what there is: a line for information', async () => {
  expect(await logged({ env: { WORKERS: '1' } })).toEqual([expect.objectContaining({ level: 30, setting: 'WORKERS' })])
})

test('who does not set it hears nothing of it, in the log or in the settings', async () => {
  expect(await logged({})).toEqual([])
  expect(describeSettings(loadSettings({ env: ORG }))).not.toHaveProperty('WORKERS')
})
