import { afterAll, beforeEach, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { SWITCH_NAMES, type SwitchName } from '../../src/emulator/switches.ts'
import { examine, settingsOf } from '../support/doctor.ts'

/** What each misbehaviour of an org makes `check` say: the step that fails, the exit code, and words of the advice. */
const EXPECTED: Readonly<Record<SwitchName, readonly [step: string | undefined, code: number, words: string]>> = {
  'no-run-as-user': ['Token', 5, 'Steps 13 to 15'],
  'flow-not-enabled': ['Token', 5, 'Step 8'],
  'unsupported-grant': ['Token', 5, 'Step 8'],
  'wrong-domain': ['Token', 2, 'Setup > My Domain'],
  'wrong-key': ['Token', 5, 'CLOUDAWARE_CLIENT_ID'],
  'wrong-secret': ['Token', 5, 'CLOUDAWARE_CLIENT_SECRET'],
  'app-not-installed': ['Token', 5, 'Connected Apps OAuth Usage > Install'],
  'admin-approval': ['Token', 5, 'Permitted Users'],
  'user-approval': ['Token', 5, 'Permitted Users'],
  'no-valid-scopes': ['Token', 5, 'Step 6'],
  'scope-sent': ['Token', 5, 'rewrites requests'],
  'ip-or-hours': ['Token', 5, 'IP Relaxation'],
  'inactive-user': ['Token', 5, 'Step 14'],
  'inactive-user-old': ['Token', 5, 'Step 14'],
  'inactive-org': ['Token', 5, 'Ask Cloudaware support'],
  'login-rate': ['Token', 5, 'Login rate exceeded'],
  'login-rate-text': ['Token', 5, 'Login rate exceeded'],
  'max-logins': ['Token', 5, 'licence'],
  'authentication-failure': ['Token', 5, 'steps 13 to 15'],
  'expired-token': ['Token', 5, 'steps 13 to 15'],
  'already-processed': ['Token', 3, 'the proxy asks again'],
  'expired-code': ['Token', 5, 'set the clock of this machine'],
  'invalid-assertion': ['Token', 5, 'CLOUDAWARE_JWT_KEY_FILE'],
  'invalid-audience': ['Token', 5, 'CLOUDAWARE_JWT_AUDIENCE'],
  'activation-secret': ['Token', 5, 'Relax IP restrictions'],
  'unauthorized-client': ['Token', 5, 'Step 8'],
  'https-required': ['Token', 5, 'must be https'],
  'must-use-post': ['Token', 5, 'rewrites requests'],
  'server-error': ['Token', 3, 'status.salesforce.com'],
  'unknown-error': ['Token', 3, 'status.salesforce.com'],
  'invalid-client-401': ['Token', 5, 'CLOUDAWARE_CLIENT_SECRET'],
  'html-503': ['Token', 3, 'status.salesforce.com'],
  'empty-body': ['Token', 3, 'CLOUDAWARE_TOKEN_URL'],
  redirect: ['Token', 2, 'https://renamed.my.salesforce.com'],
  hang: ['Token', 3, 'does not answer in time'],
  'session-not-valid-for-rest': ['API', 6, 'select the scope "api" (step 6'],
  'session-not-valid-for-api': ['API', 6, 'select the scope "api" (step 6'],
  'not-attached-to-agent': ['API', 6, 'step 14'],
  'invalid-auth-header': ['API', 2, 'CLOUDAWARE_API_URL'],
  'invalid-jwt-format': ['API', 6, 'INVALID_JWT_FORMAT'],
  'api-disabled': ['API', 6, 'API Enabled'],
  'api-currently-disabled': ['API', 6, 'Cloudaware support'],
  'request-limit': ['API', 6, 'Setup > API Usage'],
  'concurrent-limit': ['API', 6, 'long requests'],
  'query-timeout': ['API', 3, 'QUERY_TIMEOUT'],
  'api-unavailable': ['API', 3, 'SERVER_UNAVAILABLE'],
  'api-html-503': ['API', 3, 'down for maintenance'],
  'api-no-route-420': ['API', 3, 'HTTP 420'],
  'api-server-error': ['API', 3, 'UNKNOWN_EXCEPTION'],
  'url-not-reset': ['API', 2, 'My Domain'],
  'api-hang': ['API', 3, 'does not answer in time'],
  'session-dies-before': ['API', 5, 'Session expired or invalid'],
  'session-dies-after': [undefined, 0, 'Everything that a request needs'],
  'live-session-refused': ['API', 5, 'Session Management'],
  'introspect-not-allowed': [undefined, 0, 'not for this app (insufficient_scope), and not needed'],
  'cmdb-objects-hidden': ['CMDB', 6, 'read access to Cloudaware'],
  'api-socket-reset': ['API', 3, 'UND_ERR_SOCKET'],
}

const org = await startEmulator()
afterAll(() => org.close())
beforeEach(() => {
  org.org.heal()
  org.killSessions()
})

test.each(SWITCH_NAMES)('%s', async (name) => {
  const [step, code, words] = EXPECTED[name]
  org.org.fail(name)
  const { out, ...examined } = await examine(settingsOf(org), ...(name.endsWith('hang') ? ['--timeout=500ms'] : []))
  expect({ failed: examined.failed, code: examined.code }).toEqual({ failed: step, code })
  expect(out.replaceAll(/\s+/g, ' ')).toContain(words)
  expect(out).not.toContain(org.clientSecret)
  // The refusals of a login host say where to look in both kinds of app, where they differ.
  if (code === 5 && step === 'Token') expect(out).toMatch(/To do .*[^]*Login History/)
})

test('an app that may not introspect is a note where the proxy is told to introspect', async () => {
  org.org.fail('introspect-not-allowed')
  const { code, out, statuses } = await examine({ ...settingsOf(org), TOKEN_INTROSPECT: 'true' })
  expect({ code, introspection: statuses.Introspection }).toEqual({ code: 0, introspection: 'note' })
  expect(out).toContain('leave TOKEN_INTROSPECT out')
})

test('an allowance that is nearly used up is a note', async () => {
  await using busy = await startEmulator({ dailyRequestLimit: 10 })
  busy.org.apiRequests = 8
  const { code, out, statuses } = await examine(settingsOf(busy))
  expect({ code, api: statuses.API }).toEqual({ code: 0, api: 'note' })
  expect(out).toContain('9 of 10 requests')
})

test('an instance_url that is not trusted is a note, and the requests go to the configured host', async () => {
  await using moved = await startEmulator()
  moved.org.instanceUrl = 'https://elsewhere.my.salesforce.com'
  const { code, out, statuses } = await examine(settingsOf(moved))
  expect({ code, token: statuses.Token, cmdb: statuses.CMDB }).toEqual({ code: 0, token: 'note', cmdb: 'ok' })
  expect(out).toContain('CLOUDAWARE_TRUSTED_HOSTS')
})
