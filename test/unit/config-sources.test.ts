import { describe, expect, test } from 'vitest'
import { ConfigError, describeSettings, loadSettings, secretsOf } from '../../src/config.ts'

const ORG = { CLOUDAWARE_URL: 'https://acme.my.salesforce.com', CLOUDAWARE_CLIENT_ID: 'key' }
const SECRET = { CLOUDAWARE_CLIENT_SECRET: 'do-not-print-me' }
const FULL = { ...ORG, ...SECRET }

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

function files(contents: Record<string, string>): (path: string) => string {
  return (path) => {
    const content = contents[path]
    if (content === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return content
  }
}

test('a flag takes its value after a space or an equals sign, and a switch needs none', () => {
  const argv = ['--proxy-port=81', '--admin-port', '82', '--proxy-read-only', '--token-introspect=false']
  expect(loadSettings({ argv, env: FULL })).toMatchObject({
    PROXY_PORT: 81,
    ADMIN_PORT: 82,
    PROXY_READ_ONLY: true,
    TOKEN_INTROSPECT: false,
  })
})

test.each([
  ['--proxy-prot=1', '--proxy-prot is no flag: did you mean --proxy-port?'],
  ['--frobnicate', '--frobnicate is no flag of this program.'],
  ['--proxy-port', '--proxy-port needs a value.'],
  ['--config', '--config needs a value.'],
  ['8080', 'An argument belongs to no flag (a switch takes its value as --flag=false).'],
])('%s on the command line is reported', (argument, problem) => {
  expect(problemsOf({ argv: [argument], env: FULL })).toEqual([problem])
})

test('what follows an unknown flag is taken for its value, and a flag is never taken for a value', () => {
  expect(problemsOf({ argv: ['--proxy-prot', '8080'], env: FULL })).toHaveLength(1)
  expect(problemsOf({ argv: ['--proxy-host', '--proxy-read-only'], env: FULL })).toEqual([
    '--proxy-host needs a value.',
  ])
})

test.each(['--cloudaware-client-secret', '--proxy-api-key'])(
  '%s is refused, since others can read arguments',
  (flag) => {
    for (const argv of [[flag, 'hunter22'], [`${flag}=hunter22`], [flag]]) {
      const [problem, ...others] = problemsOf({ argv, env: FULL })
      expect(problem).toMatch(
        /^--[a-z-]+ is refused: arguments are visible in process lists\. Use --[a-z-]+-file or the/,
      )
      expect(problem).not.toContain('hunter22')
      expect(others).toEqual([])
    }
  },
)

test('a file named by --config must exist and replaces config.env', () => {
  const readFile = files({
    '/app/config.env': 'PROXY_PORT=1',
    '/etc/proxy.env': 'export PROXY_PORT="2"',
    '/app/near.env': 'PROXY_PORT=3',
  })
  const port = (path: string) => loadSettings({ argv: ['--config', path], env: FULL, cwd: '/app', readFile }).PROXY_PORT
  expect(port('/etc/proxy.env')).toBe(2)
  expect(port('near.env')).toBe(3)
  expect(problemsOf({ argv: ['--config', '/gone'], env: FULL, cwd: '/app', readFile })).toEqual([
    '--config: the file cannot be read (ENOENT).',
  ])
})

test('without config.env the environment alone counts, but an unreadable one is reported', () => {
  expect(loadSettings({ env: FULL, cwd: '/app', readFile: files({}) }).PROXY_PORT).toBe(8080)
  const readFile = () => {
    throw Object.assign(new Error('no'), { code: 'EACCES' })
  }
  expect(problemsOf({ env: FULL, cwd: '/app', readFile })).toEqual(['config.env: the file cannot be read (EACCES).'])
  const strange = () => {
    throw new Error('value-of-something')
  }
  expect(problemsOf({ env: FULL, cwd: '/app', readFile: strange })).toEqual([
    'config.env: the file cannot be read (unreadable).',
  ])
})

test('an unknown name in the configuration file is reported', () => {
  const readFile = files({ '/app/config.env': 'PROXY_PROT=1\nPATH=/bin' })
  expect(problemsOf({ env: FULL, cwd: '/app', readFile })).toEqual([
    'The configuration file: PATH is no setting.',
    'The configuration file: PROXY_PROT is no setting: did you mean PROXY_PORT?',
  ])
})

test('a credential is read from NAME_FILE, without the newline that editors add', () => {
  const readFile = files({ '/run/secret': 'from-file\r\n', '/app/id': ' id ', '/app/key': 'key-for-callers\n' })
  const env = {
    CLOUDAWARE_URL: ORG.CLOUDAWARE_URL,
    CLOUDAWARE_CLIENT_ID_FILE: 'id',
    CLOUDAWARE_CLIENT_SECRET_FILE: '/run/secret',
    PROXY_API_KEY_FILE: 'key',
  }
  expect(loadSettings({ env, cwd: '/app', readFile })).toMatchObject({
    CLOUDAWARE_CLIENT_ID: 'id',
    CLOUDAWARE_CLIENT_SECRET: 'from-file',
    CLOUDAWARE_CLIENT_SECRET_FILE: '/run/secret',
    PROXY_API_KEY: 'key-for-callers',
  })
})

test('a credential given twice is a contradiction', () => {
  const env = { ...FULL, CLOUDAWARE_CLIENT_SECRET_FILE: '/run/secret' }
  expect(problemsOf({ env, readFile: files({ '/run/secret': 'other' }) })).toEqual([
    'CLOUDAWARE_CLIENT_SECRET and CLOUDAWARE_CLIENT_SECRET_FILE are both set: keep one of them.',
  ])
})

test('a credential file that is empty or missing is reported once, not as a missing credential too', () => {
  const env = {
    CLOUDAWARE_URL: ORG.CLOUDAWARE_URL,
    CLOUDAWARE_CLIENT_ID_FILE: '/empty',
    CLOUDAWARE_CLIENT_SECRET_FILE: '/gone',
  }
  expect(problemsOf({ env, readFile: files({ '/empty': '\n' }) })).toEqual([
    'CLOUDAWARE_CLIENT_ID_FILE names an empty file.',
    'CLOUDAWARE_CLIENT_SECRET_FILE names a file that cannot be read (ENOENT).',
  ])
})

test('the other files that settings name must be readable', () => {
  const env = { ...FULL, CLOUDAWARE_CA_FILE: '/gone/ca.pem' }
  expect(problemsOf({ env })).toEqual(['CLOUDAWARE_CA_FILE names a file that cannot be read (ENOENT).'])
})

describe('the company proxy', () => {
  test.each([
    [{ HTTPS_PROXY: 'http://proxy.corp:3128' }, 'http://proxy.corp:3128/'],
    [{ https_proxy: 'http://proxy.corp:3128' }, 'http://proxy.corp:3128/'],
    [{ HTTPS_PROXY: 'proxy.corp:3128' }, 'http://proxy.corp:3128/'],
    [{ HTTPS_PROXY: 'http://one', https_proxy: 'https://two' }, 'https://two/'],
    [{ HTTPS_PROXY: 'http://one', https_proxy: ' ' }, 'http://one/'],
    [{ HTTPS_PROXY: 'http://u%40corp:p%3Aw@proxy.corp/' }, 'http://u%40corp:p%3Aw@proxy.corp/'],
    [{ HTTPS_PROXY: '' }, undefined],
  ])('%j is %s', (env, address) => {
    expect(loadSettings({ env: { ...FULL, ...env } }).HTTPS_PROXY).toBe(address)
  })

  test('NO_PROXY is read in small letters too, and from the file', () => {
    expect(loadSettings({ env: { ...FULL, no_proxy: 'a,b c' } }).NO_PROXY).toBe('a,b c')
    const readFile = files({ '/settings.env': 'NO_PROXY=.corp\nHTTPS_PROXY=http://proxy.corp:3128' })
    expect(loadSettings({ argv: ['--config', '/settings.env'], env: FULL, cwd: undefined, readFile })).toMatchObject({
      NO_PROXY: '.corp',
      HTTPS_PROXY: 'http://proxy.corp:3128/',
    })
  })

  test.each(['socks5://proxy.corp', 'http://', 'http://proxy.corp/path', 'http://u:%zz@proxy.corp', 'a b'])(
    '%s is a mistake, told without the value',
    (value) => {
      expect(problemsOf({ env: { ...FULL, HTTPS_PROXY: value } })).toEqual([
        'HTTPS_PROXY must be the address of an http or https proxy: http://[user:password@]host:port.',
      ])
    },
  )

  test('its password is a secret, in each form in which it travels', () => {
    const settings = loadSettings({ env: { ...FULL, HTTPS_PROXY: 'http://me:p%40ss@proxy.corp' } })
    expect(secretsOf(settings)).toEqual(expect.arrayContaining(['me:p%40ss', 'me:p@ss', btoa('me:p@ss')]))
    expect(describeSettings(settings).HTTPS_PROXY).toBe('<set>')
    expect(secretsOf(loadSettings({ env: { ...FULL, HTTPS_PROXY: 'http://proxy.corp' } })).join()).not.toContain('corp')
  })
})

describe('the token store', () => {
  test.each(['redis://redis', 'rediss://user:p%40ss@redis:6380/2', 'redis://:pass@[::1]:6379'])(
    '%s is an address of one',
    (value) => {
      expect(loadSettings({ env: { ...FULL, TOKEN_STORE_URL: value } }).TOKEN_STORE_URL).toBe(value)
    },
  )

  test.each(['redis', 'http://redis', 'redis://', 'redis://redis/name', 'redis://redis?db=1', 'redis://u:%zz@redis'])(
    '%s is a mistake, told without the value',
    (value) => {
      expect(problemsOf({ env: { ...FULL, TOKEN_STORE_URL: value } })).toEqual([
        'TOKEN_STORE_URL must be redis://[user:password@]host[:port][/database], or rediss:// for TLS.',
      ])
    },
  )

  test('its password is a secret', () => {
    const settings = loadSettings({ env: { ...FULL, TOKEN_STORE_URL: 'redis://:p%40ss@redis' } })
    expect(secretsOf(settings)).toEqual(expect.arrayContaining(['p%40ss', 'p@ss']))
    expect(describeSettings(settings).TOKEN_STORE_URL).toBe('<set>')
  })
})
