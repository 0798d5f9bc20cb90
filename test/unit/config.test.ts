import { expect, expectTypeOf, test } from 'vitest'
import { ConfigError, describeSettings, environmentWarnings, loadSettings, loadSome } from '../../src/config.ts'
import type { Settings } from '../../src/config.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'do-not-print-me',
}

type LoadOptions = Parameters<typeof loadSettings>[0]

function problemsOf(options: LoadOptions): readonly string[] {
  try {
    loadSettings(options)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

/** A file system of these files only. */
function files(contents: Record<string, string>): (path: string) => string {
  return (path) => {
    const content = contents[path]
    if (content === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return content
  }
}

test('three settings are enough, and the rest has the documented defaults', () => {
  const settings = loadSettings({ env: ORG })
  expect(settings).toEqual({
    ...ORG,
    CLOUDAWARE_CLIENT_AUTH: 'post',
    CLOUDAWARE_GRANT_TYPE: 'client_credentials',
    CLOUDAWARE_JWT_AUDIENCE: 'https://login.salesforce.com',
    CLOUDAWARE_TOKEN_URL: 'https://acme.my.salesforce.com/services/oauth2/token',
    CLOUDAWARE_TRUSTED_HOSTS: [],
    TOKEN_LIFETIME_SECONDS: 7200,
    TOKEN_INTROSPECT: false,
    TOKEN_WAIT_MS: 10_000,
    TOKEN_REQUESTS_PER_HOUR: 360,
    PROXY_HOST: 'localhost',
    PROXY_PORT: 8080,
    PROXY_REUSE_PORT: false,
    PROXY_ALLOWED_HOSTS: [],
    PROXY_ALLOWED_ORIGINS: [],
    PROXY_LOGIN: 'on',
    PROXY_READ_ONLY: false,
    PROXY_ALLOWED_PATHS: [],
    PROXY_DENIED_PATHS: [],
    PROXY_ALLOW_REMOTE: false,
    PROXY_REPLAY_LIMIT_BYTES: 1_048_576,
    PROXY_UPLOAD_SILENCE_MS: 30_000,
    PROXY_MAX_CONNECTIONS: 4096,
    PROXY_REWRITE_BODIES: 'identity',
    UPSTREAM_CONNECTIONS: 64,
    UPSTREAM_QUEUE_LIMIT: 1024,
    UPSTREAM_QUEUE_TIMEOUT_MS: 30_000,
    UPSTREAM_CONNECT_TIMEOUT_MS: 10_000,
    UPSTREAM_HALF_CLOSED_MS: 90_000,
    UPSTREAM_TIMEOUT_MS: 600_000,
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: 9090,
    ADMIN_ALLOWED_HOSTS: [],
    ADMIN_ALLOW_QUIT: false,
    INSPECT: false,
    LOG_LEVEL: 'info',
    LOG_REQUESTS: 'all',
    LOG_FORMAT: 'auto',
    DRAIN_DELAY_MS: 0,
    DRAIN_TIMEOUT_MS: 30_000,
  })
  expect(Object.isFrozen(settings)).toBe(true)
  expectTypeOf<Settings['ADMIN_PORT']>().toEqualTypeOf<number | 'off'>()
})

test('a flag beats the environment, which beats config.env, which beats the default', () => {
  const readFile = files({ '/app/config.env': 'PROXY_PORT=1111\nADMIN_PORT=1112\nDRAIN_DELAY_MS=1113\n# a comment\n' })
  const env = { ...ORG, PROXY_PORT: '2221', ADMIN_PORT: '2222' }
  const settings = loadSettings({ argv: ['--proxy-port', '3331'], env, cwd: '/app', readFile })
  expect(settings).toMatchObject({
    PROXY_PORT: 3331,
    ADMIN_PORT: 2222,
    DRAIN_DELAY_MS: 1113,
    DRAIN_TIMEOUT_MS: 30_000,
  })
})

test('an empty value counts as not given and hides nothing', () => {
  const readFile = files({ '/app/config.env': 'PROXY_PORT=1111' })
  expect(loadSettings({ env: { ...ORG, PROXY_PORT: ' ' }, cwd: '/app', readFile }).PROXY_PORT).toBe(1111)
  expect(problemsOf({ env: { ...ORG, CLOUDAWARE_CLIENT_ID: '' } })).toEqual([
    'CLOUDAWARE_CLIENT_ID (or CLOUDAWARE_CLIENT_ID_FILE) is required: The Consumer Key of the app.',
  ])
})

test('every problem is reported at once, by name and without a value', () => {
  const problems = problemsOf({
    argv: ['--upstream-connections=4711x', '--proxy-port', '70000'],
    env: {
      CLOUDAWARE_URL: 'http://value-a.example',
      CLOUDAWARE_CLIENT_ID: 'value-b',
      CLOUDAWARE_CLIENT_AUTH: 'value-c',
      TOKEN_INTROSPECT: 'value-d',
      ADMIN_PORT: 'value-e',
      PROXY_ALLOWED_ORIGINS: 'https://good.example,value-f',
      PROXY_API_KEY: 'value-g'.slice(0, 7),
      LOG_LEVEL: 'value-h',
    },
  })
  expect(problems).toEqual([
    'CLOUDAWARE_CLIENT_AUTH must be one of post, basic.',
    'TOKEN_INTROSPECT must be true or false.',
    'PROXY_PORT must be a whole number from 0 to 65535.',
    'PROXY_ALLOWED_ORIGINS must be a list, separated by commas, of origins such as https://app.example.com or http://localhost:3000, without a path.',
    'PROXY_API_KEY must be at least 8 characters long.',
    'UPSTREAM_CONNECTIONS must be a whole number from 1 to 4096.',
    'ADMIN_PORT must be a port number from 0 to 65535, or off.',
    'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent.',
    'CLOUDAWARE_URL must begin with https://: the token would travel in clear (http is for loopback hosts only).',
    'CLOUDAWARE_CLIENT_SECRET (or CLOUDAWARE_CLIENT_SECRET_FILE) is required with CLOUDAWARE_GRANT_TYPE=client_credentials.',
  ])
  expect(new ConfigError(problems).message).toMatch(/^The configuration is wrong:\n- CLOUDAWARE_CLIENT_AUTH/)
  expect(problems.join()).not.toMatch(/value-|4711|70000/)
})

test.each([
  ['true', true],
  ['1', true],
  ['YES', true],
  ['false', false],
  ['0', false],
  ['no', false],
])('a switch reads %s', (word, expected) => {
  expect(loadSettings({ env: { ...ORG, PROXY_READ_ONLY: word } }).PROXY_READ_ONLY).toBe(expected)
})

test.each(['1e3', '0x10', '8080.0', '80 80', '-1', 'NaN', '8080,'])('%s is no port number', (text) => {
  expect(problemsOf({ env: { ...ORG, PROXY_PORT: text } })).toHaveLength(1)
})

test('lists are split at commas, words may be in capitals, and ADMIN_PORT may be off', () => {
  const env = { ...ORG, PROXY_ALLOWED_HOSTS: ' a.example, *.b.example:8080 ,', LOG_LEVEL: 'DEBUG', ADMIN_PORT: 'OFF' }
  expect(loadSettings({ env })).toMatchObject({
    PROXY_ALLOWED_HOSTS: ['a.example', '*.b.example:8080'],
    LOG_LEVEL: 'debug',
    ADMIN_PORT: 'off',
  })
})

test('an address injected by Kubernetes for a Service is explained, and its other variables are left alone', () => {
  const env = {
    ...ORG,
    PROXY_PORT: 'tcp://10.0.0.1:8080',
    PROXY_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    PROXY_SERVICE_HOST: '10.0.0.1',
  }
  expect(problemsOf({ env })).toEqual([
    'PROXY_PORT holds an address that Kubernetes injects for a Service of that name: ' +
      'rename the Service, or set enableServiceLinks: false in the pod.',
  ])
  expect(environmentWarnings(env)).toEqual([])
})

test('a misspelt environment variable is a warning', () => {
  const env = { CLOUDAWARE_CLIENT_SECERT: 'x', PROXY_PROT: '1', CLOUDAWARE_SOMETHING_ELSE: 'x', HOME: '/' }
  expect(environmentWarnings(env)).toEqual([
    'CLOUDAWARE_CLIENT_SECERT is no setting: did you mean CLOUDAWARE_CLIENT_SECRET?',
    'PROXY_PROT is no setting: did you mean PROXY_PORT?',
  ])
})

test('settings are shown without their credentials', () => {
  const env = { ...ORG, PROXY_API_KEY: 'also-not-to-be-printed' }
  const shown = describeSettings(loadSettings({ env }))
  expect(shown).toMatchObject({
    CLOUDAWARE_URL: ORG.CLOUDAWARE_URL,
    CLOUDAWARE_CLIENT_ID: '<set>',
    CLOUDAWARE_CLIENT_SECRET: '<set>',
    PROXY_API_KEY: '<set>',
  })
  expect(JSON.stringify(shown)).not.toMatch(/print/)
})

test('some settings are had alone, whatever the others hold or lack', () => {
  const env = { ADMIN_PORT: '91', PROXY_PORT: 'many', CLOUDAWARE_CLIENT_SECRET_FILE: '/no/such/file' }
  expect(loadSome(['ADMIN_HOST', 'ADMIN_PORT'], { env })).toMatchObject({ ADMIN_HOST: '127.0.0.1', ADMIN_PORT: 91 })
  expect(() => loadSome(['ADMIN_PORT'], { argv: ['--admin-prot=1'], env: { ADMIN_PORT: 'many' } })).toThrow(
    new ConfigError([
      '--admin-prot is no flag: did you mean --admin-port?',
      'ADMIN_PORT must be a port number from 0 to 65535, or off.',
    ]),
  )
})
