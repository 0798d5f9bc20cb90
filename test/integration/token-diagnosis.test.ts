import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { TOKEN_FAILURES, type TokenFailure } from '../../src/emulator/oauth-errors.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { startStack } from '../support/stack.ts'

/*
 * Every way in which the emulated org refuses a token, as those see it who can mend it: the log, /status, /readyz, and the caller.
 */

interface Expected {
  readonly code: string
  readonly kind: 'transient' | 'permanent' | 'rate-limited'
  /** The knob, by the name that the setup article's pages show, with the number of its step; or the setting. */
  readonly fix: string
  readonly externalClientApp: string
  readonly loginHistory: string
}

const POLICIES = 'External Client App Manager > the app > Policies'
const SETTINGS = 'External Client App Manager > the app > Settings > OAuth Settings'
const NO_ROW = 'no row'

const row = (code: string, fix: string, externalClientApp = 'the same', loginHistory = NO_ROW): Expected => ({
  code,
  kind: 'permanent',
  fix,
  externalClientApp,
  loginHistory,
})
const transient = (code: string, fix: string): Expected => ({ ...row(code, fix), kind: 'transient' })
const RUN_AS = 'Manage > Edit Policies > Client Credentials Flow > Run As'
const FLOW = `${SETTINGS} > Flow Enablement > Enable Client Credentials Flow; and again in Policies`
const RUN_AS_USERNAME = `${POLICIES} > OAuth Policies > Run As username`
const RATE: Expected = {
  code: 'login-rate-exceeded',
  kind: 'rate-limited',
  fix: `step 14 (${RUN_AS})`,
  externalClientApp: RUN_AS_USERNAME,
  loginHistory: 'LOGIN_ERROR_RATE_EXCEEDED',
}
const KEY = `${SETTINGS} > Consumer Key and Secret`
const INACTIVE = row('user-inactive', `Step 14 (${RUN_AS})`, RUN_AS_USERNAME, 'LOGIN_ERROR_USER_INACTIVE')
const NOT_APPROVED = row(
  'user-not-approved',
  'Step 13 (Manage > Edit Policies > Permitted Users)',
  `${POLICIES} > App Policies > Selected Permission Sets`,
  'not approved',
)
const SECRET = row('consumer-secret-refused', 'Steps 10 to 12 (Manage Consumer Details > Consumer Secret)', KEY)
const GENERIC = row('grant-refused', `steps 13 to 15 (${RUN_AS})`, `${POLICIES} > OAuth Policies`, 'with the reason')
const MALFORMED = row('request-refused', 'CLOUDAWARE_URL must be https and the My Domain')

const EXPECTED: Readonly<Record<TokenFailure, Expected>> = {
  'no-run-as-user': row(
    'run-as-user-missing',
    `Steps 13 to 15 (${RUN_AS}, then Save)`,
    `${POLICIES} > OAuth Policies > Enable Client Credentials Flow, and the Run As username`,
  ),
  'flow-not-enabled': row('flow-not-enabled', 'Step 8 (Enable Client Credentials Flow, OK, Save)', FLOW),
  'unsupported-grant': row('grant-type-refused', 'Step 8 (Enable Client Credentials Flow, OK, Save)', FLOW),
  'unauthorized-client': row('grant-type-refused', 'Step 8 (Enable Client Credentials Flow, OK, Save)', FLOW),
  'wrong-domain': row('wrong-login-host', 'the address in Setup > My Domain'),
  'wrong-key': row('consumer-key-unknown', 'Steps 10 to 12 (Manage Consumer Details > Consumer Key)', KEY),
  'wrong-secret': SECRET,
  'invalid-client-401': SECRET,
  'app-not-installed': row(
    'app-not-installed',
    'Setup > Connected Apps OAuth Usage > Install',
    'External Client App Manager: the app must show the status Enabled',
  ),
  'admin-approval': NOT_APPROVED,
  'user-approval': NOT_APPROVED,
  'no-valid-scopes': row(
    'scopes-missing',
    'Step 6 (Selected OAuth Scopes): add "Manage user data via APIs (api)"',
    `${SETTINGS} > Selected OAuth Scopes`,
  ),
  'scope-sent': MALFORMED,
  'https-required': MALFORMED,
  'must-use-post': MALFORMED,
  'ip-or-hours': row(
    'login-restricted',
    'Step 13 (Manage > Edit Policies > IP Relaxation > Relax IP restrictions)',
    `${POLICIES} > App Authorization > IP Relaxation`,
    'LOGIN_OAUTH_INVALID_IP',
  ),
  'activation-secret': row(
    'login-restricted',
    'Step 13 (Manage > Edit Policies > IP Relaxation > Relax IP restrictions)',
    `${POLICIES} > App Authorization > IP Relaxation`,
    'LOGIN_OAUTH_INVALID_DS',
  ),
  'inactive-user': INACTIVE,
  'inactive-user-old': INACTIVE,
  'inactive-org': row('org-inactive', 'Cloudaware support', 'the same', 'LOGIN_ERROR_ORG_LOCKOUT'),
  'login-rate': RATE,
  'login-rate-text': RATE,
  'max-logins': row('maximum-logins-exceeded', `Step 14 (${RUN_AS})`, RUN_AS_USERNAME, 'LOGIN_ERROR_LOGINS_EXCEEDED'),
  'authentication-failure': GENERIC,
  'expired-token': GENERIC,
  'already-processed': {
    ...row('login-host-busy', 'the proxy asks again', 'the same', 'already being processed'),
    kind: 'transient',
  },
  'expired-code': row('assertion-expired', 'the clock of this machine', 'the same', 'a row of the user'),
  'invalid-assertion': row(
    'assertion-refused',
    'CLOUDAWARE_JWT_KEY_FILE must be the key of the certificate',
    `${SETTINGS} > Flow Enablement > Enable JWT Bearer Flow`,
    'a row of the user',
  ),
  'invalid-audience': row('assertion-audience', 'CLOUDAWARE_JWT_AUDIENCE'),
  'server-error': transient('login-host-trouble', 'https://status.salesforce.com'),
  'unknown-error': transient('login-host-trouble', 'https://status.salesforce.com'),
  'html-503': transient('html-answer', 'https://status.salesforce.com'),
  'empty-body': transient('unusable-answer', 'CLOUDAWARE_URL'),
  redirect: row('redirected', 'Set CLOUDAWARE_URL to the new address'),
  hang: transient('login-host-timeout', 'firewalls'),
}

const NAMES = Object.keys(TOKEN_FAILURES) as TokenFailure[] // the keys of a constant

test.each(NAMES)('%s: the log, /status, /readyz and the caller say what is wrong', async (name) => {
  const { kind, ...expected } = EXPECTED[name]
  const clock = new FakeClock()
  await using org = await startEmulator({ records: 10 })
  org.org.fail(name)
  await using app = await startStack(org, { clock })
  if (name === 'hang') {
    while (org.tokenRequests() === 0) await clock.advance(0)
    await clock.advance(30_000)
  }
  const event = await app.tokenEvent('failed')
  const diagnosis = 'diagnosis' in event ? event.diagnosis : undefined
  expect(diagnosis).toEqual({
    code: expected.code,
    summary: expect.stringMatching(/^[A-Z].*\.$/) as string,
    fix: expect.stringContaining(expected.fix) as string,
    externalClientApp: expect.stringContaining(expected.externalClientApp) as string,
    loginHistory: expect.stringContaining(expected.loginHistory) as string,
  })

  const status = await fetch(`${app.adminUrl}/status`)
  expect(await status.json()).toMatchObject({ token: { state: 'unavailable', failure: { kind, diagnosis } } })
  const ready = await fetch(`${app.adminUrl}/readyz`)
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ ok: false, reason: diagnosis?.summary, diagnosis })

  const caller = await clock.until(ask(app.port, '/services/data/v67.0/limits'), 60_000)
  expect(caller.status).toBe(503)
  expect(caller.json()).toMatchObject([
    { errorCode: 'PROXY_TOKEN_UNAVAILABLE', message: expect.stringContaining(diagnosis?.summary ?? '?') as string },
  ])
  expect(Number(caller.headers['retry-after'])).toBeGreaterThan(0)

  // Said once, however many callers it hits.
  const said = app
    .log()
    .split('\n')
    .filter((line) => /"level":[456]0/.test(line))
  expect(said).toHaveLength(1)
  expect(JSON.parse(said[0] ?? '')).toMatchObject({ level: 50, kind, diagnosis, msg: 'token request failed' })
  expect([app.log(), caller.text, JSON.stringify(event)].join()).not.toContain(org.clientSecret)
  expect([caller.text, JSON.stringify(event)].join()).not.toContain(org.clientId)
})
