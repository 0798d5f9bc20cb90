import { expect, test } from 'vitest'
import { ConfigError, loadSettings, secretsOf } from '../../src/config.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'secret',
}

const readFile = () => 'content'

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings({ env: { ...ORG, ...env }, readFile })
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test.each([
  ['not a url', /is no URL/],
  ['ftp://acme.my.salesforce.com', /must begin with https/],
  ['http://acme.my.salesforce.com', /would travel in clear/],
  ['http://127.0.0.1.nip.io', /would travel in clear/],
  ['http://localhost.example', /would travel in clear/],
  ['https://user:pw@acme.my.salesforce.com', /must not hold a user name/],
  ['https://acme.my.salesforce.com/?', /must not have a query/],
  ['https://acme.my.salesforce.com/#', /must not have a query or a fragment/],
  ['https://acme.my.salesforce.com/services/data', /must not have a path/],
  ['https://login.salesforce.com', /common login host.*use the org's My Domain/],
  ['https://test.salesforce.com/', /common login host/],
  ['https://LOGIN.salesforce.com.', /common login host/],
  ['https://api.salesforce.com', /multi-tenant/],
  ['https://acme.lightning.force.com', /browser interface/],
  ['https://acme--c.vf.force.com', /site or page host/],
  ['https://acme.my.salesforce-setup.com', /Setup pages/],
])('CLOUDAWARE_URL=%s is refused with the reason', (url, reason) => {
  const problems = problemsOf({ CLOUDAWARE_URL: url })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(/^CLOUDAWARE_URL /)
  expect(problems[0]).toMatch(reason)
  expect(problemsOf({ CLOUDAWARE_API_URL: url })[0]).toMatch(/^CLOUDAWARE_API_URL /)
})

test.each(['http://localhost:8443', 'http://127.8.0.1', 'http://[::1]:9', 'http://org.localhost'])(
  'plain http is fine on the loopback host %s',
  (url) => {
    expect(problemsOf({ CLOUDAWARE_URL: url })).toEqual([])
  },
)

test('the token endpoint may have a path, and is pinned to https and to the org alike', () => {
  const url = 'https://sso.example.com/as/token.oauth2/'
  const settings = loadSettings({ env: { ...ORG, CLOUDAWARE_TOKEN_URL: url } })
  expect(settings.CLOUDAWARE_TOKEN_URL).toBe('https://sso.example.com/as/token.oauth2')
  for (const wrong of ['http://sso.example.com/token', 'https://login.salesforce.com/services/oauth2/token']) {
    expect(problemsOf({ CLOUDAWARE_TOKEN_URL: wrong })[0]).toMatch(/^CLOUDAWARE_TOKEN_URL /)
  }
})

test('URLs lose their trailing slashes and the space around them', () => {
  const env = {
    ...ORG,
    CLOUDAWARE_URL: ' https://Acme.my.salesforce.com//\n',
    CLOUDAWARE_API_URL: 'https://api.example/',
  }
  expect(loadSettings({ env })).toMatchObject({
    CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
    CLOUDAWARE_TOKEN_URL: 'https://acme.my.salesforce.com/services/oauth2/token',
    CLOUDAWARE_API_URL: 'https://api.example',
  })
})

test('jwt_bearer needs a key and a user name, and no consumer secret', () => {
  const env = { CLOUDAWARE_GRANT_TYPE: 'jwt_bearer', CLOUDAWARE_CLIENT_SECRET: '' }
  expect(problemsOf(env)).toEqual([
    'CLOUDAWARE_JWT_KEY_FILE is required with CLOUDAWARE_GRANT_TYPE=jwt_bearer.',
    'CLOUDAWARE_JWT_USERNAME is required with CLOUDAWARE_GRANT_TYPE=jwt_bearer.',
  ])
  const complete = { ...env, CLOUDAWARE_JWT_KEY_FILE: '/key.pem', CLOUDAWARE_JWT_USERNAME: 'a@b.example' }
  expect(problemsOf(complete)).toEqual([])
})

test('the audience of an assertion follows from the host, unless it is given', () => {
  const audience = (env: Record<string, string>) => loadSettings({ env: { ...ORG, ...env } }).CLOUDAWARE_JWT_AUDIENCE
  expect(audience({})).toBe('https://login.salesforce.com')
  expect(audience({ CLOUDAWARE_URL: 'https://acme--dev.sandbox.my.salesforce.com' })).toBe(
    'https://test.salesforce.com',
  )
  expect(audience({ CLOUDAWARE_JWT_AUDIENCE: 'https://acme.my.salesforce.com' })).toBe('https://acme.my.salesforce.com')
})

test('the https listener needs a port; a certificate needs its key', () => {
  expect(problemsOf({ PROXY_TLS_PORT: '8443' })).toEqual([])
  expect(problemsOf({ PROXY_TLS_PORT: '8443', PROXY_TLS_CERT_FILE: '/c', PROXY_TLS_KEY_FILE: '/k' })).toEqual([])
  expect(problemsOf({ PROXY_TLS_PORT: '8443', PROXY_TLS_KEY_FILE: '/k' })).toEqual([
    'PROXY_TLS_CERT_FILE and PROXY_TLS_KEY_FILE come together: PROXY_TLS_CERT_FILE is missing.',
  ])
  expect(problemsOf({ PROXY_TLS_CERT_FILE: '/c', PROXY_TLS_KEY_FILE: '/k' })).toEqual([
    'PROXY_TLS_PORT is missing: a certificate alone opens no listener.',
  ])
})

test('keys of callers are checked one by one, and never shown', () => {
  expect(problemsOf({ PROXY_API_KEY: 'etl:first-key,bi:second-key' })).toEqual([])
  expect(problemsOf({ PROXY_API_KEY: 'etl:first-key,bi:short' })).toEqual([
    expect.stringMatching(/^PROXY_API_KEY takes one key, or name:key/),
  ])
  expect(problemsOf({ PROXY_API_KEY: 'first-key,second-key' })[0]).not.toContain('-key')
})

test('of several keys each counts as a secret by itself', () => {
  const settings = loadSettings({ env: { ...ORG, PROXY_API_KEY: 'etl:first-key,bi:second-key' } })
  expect(secretsOf(settings)).toEqual(expect.arrayContaining(['secret', 'first-key', 'second-key']))
  expect(secretsOf(loadSettings({ env: ORG }))).toEqual(['key', 'secret'])
})

test('listening beyond loopback needs a key, or a clear word', () => {
  expect(problemsOf({ PROXY_HOST: '0.0.0.0' })[0]).toMatch(
    /^PROXY_HOST listens beyond this machine.*PROXY_ALLOW_REMOTE=true/,
  )
  expect(problemsOf({ PROXY_HOST: '::' })).toHaveLength(1)
  expect(problemsOf({ PROXY_HOST: '0.0.0.0', PROXY_API_KEY: 'long-enough' })).toEqual([])
  expect(problemsOf({ PROXY_HOST: '0.0.0.0', PROXY_ALLOW_REMOTE: 'true' })).toEqual([])
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1'])
    expect(problemsOf({ PROXY_HOST: host })).toEqual([])
})

test.each([
  [{ ADMIN_PORT: '8080' }, ['PROXY_PORT and ADMIN_PORT are the same port.']],
  [{ ADMIN_PORT: '8080', ADMIN_HOST: '0.0.0.0' }, ['PROXY_PORT and ADMIN_PORT are the same port.']],
  [{ ADMIN_PORT: '8080', PROXY_HOST: '127.0.0.1', ADMIN_HOST: '127.0.0.2' }, []],
  [{ ADMIN_PORT: '8080', PROXY_HOST: '127.0.0.1', ADMIN_HOST: '::1' }, []],
  [{ ADMIN_PORT: '0', PROXY_PORT: '0' }, []],
  [{ ADMIN_PORT: 'off' }, []],
  [
    { PROXY_TLS_PORT: '8080', PROXY_TLS_CERT_FILE: '/c', PROXY_TLS_KEY_FILE: '/k' },
    ['PROXY_PORT and PROXY_TLS_PORT are the same port.'],
  ],
])('of %o it is said: %o', (env, problems) => {
  expect(problemsOf({ ...env })).toEqual(problems)
})

const SHARED = { PROXY_REUSE_PORT: 'true', ADMIN_PORT: '9091' }

test.each([
  [SHARED, []],
  [{ ...SHARED, ADMIN_PORT: 'off' }, []],
  [{ ...SHARED, PROXY_TLS_PORT: '8443' }, []],
  [{ PROXY_REUSE_PORT: 'true' }, [/^ADMIN_PORT is required with PROXY_REUSE_PORT/]],
  [{ ...SHARED, ADMIN_PORT: '8080' }, [/^PROXY_PORT and ADMIN_PORT are the same port/]],
  [{ ...SHARED, PROXY_PORT: '0' }, [/^PROXY_PORT=0 .* cannot share/]],
  [{ ...SHARED, PROXY_TLS_PORT: '0' }, [/^PROXY_TLS_PORT=0 .* cannot share/]],
  [{ ...SHARED, PROXY_SOCKET: '/run/p.sock' }, [/^PROXY_SOCKET cannot be shared/]],
  [{ PROXY_PORT: '0', PROXY_SOCKET: '/run/p.sock' }, []],
])('%o shares ports where that can be done', (env, problems) => {
  expect(problemsOf({ ...env })).toEqual(problems.map((problem) => expect.stringMatching(problem) as unknown))
})
