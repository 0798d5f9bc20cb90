import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config.ts'
import { Inspection } from '../../src/inspection.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'a-consumer-secret',
}

function pageWith(env: Record<string, string>) {
  const settings = loadSettings({ env: { ...ORG, ...env } })
  const inspection = new Inspection({ settings, clock: systemClock, version: '0.0.0-test' })
  const overview = () => {
    throw new Error('not asked for here')
  }
  return { inspection, page: inspection.page({ overview, allowance: () => [] }) }
}

test.each([
  { what: 'by default, to this machine', env: {}, open: ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'] },
  {
    what: 'by default, to nobody else',
    env: {},
    closed: ['10.1.2.3', '::ffff:10.1.2.3', 'fe80::1', '172.17.0.1', undefined],
  },
  {
    what: 'with callers that need keys, to nobody',
    env: { PROXY_API_KEY: 'a-key-of-callers' },
    closed: ['127.0.0.1', '::1'],
  },
  {
    what: 'with INSPECT, to everybody whom the listener lets in',
    env: { INSPECT: 'true', PROXY_API_KEY: 'a-key-of-callers' },
    open: ['127.0.0.1', '10.1.2.3'],
  },
])('exchanges are open $what', async ({ env, open = [], closed = [] }) => {
  const { inspection, page } = pageWith(env)
  expect(open.map((address) => page.closedTo(address))).toEqual(open.map(() => undefined))
  for (const address of closed) expect(page.closedTo(address)).toContain('INSPECT=true')
  await inspection.close()
})

test('only files of the page are served', async () => {
  const { inspection, page } = pageWith({})
  expect((await page.file('uplot.js'))?.type).toContain('javascript')
  for (const name of [
    '../page-files.ts',
    'page-files.ts',
    '.hidden.js',
    'tsconfig.json',
    'nothing.js',
    '',
    '/etc/passwd',
  ]) {
    expect(await page.file(name)).toBeUndefined()
  }
  await inspection.close()
})
