import type { Diagnosis } from './diagnosis.ts'

export interface Refusal extends Diagnosis {
  /** Tried on `error: error_description`. */
  readonly when: RegExp
}

const NO_LOGIN = 'no row: a wrong key, secret, host or flow leaves none'
export const SETTINGS = 'External Client App Manager > the app > Settings > OAuth Settings'
const POLICIES = 'External Client App Manager > the app > Policies'
const RUN_AS = 'Manage > Edit Policies > Client Credentials Flow > Run As'

/** What login hosts say when they refuse (domain of RFC 6749 §5.2), most telling first. Steps are those of the setup article. */
export const REFUSALS: readonly Refusal[] = [
  {
    code: 'login-rate-exceeded',
    when: /^(rate_limit_exceeded|too_many_requests)|login rate exceeded|number of logins exceeded/i,
    summary: 'Salesforce refuses further logins of the Run As user for an hour: too many were made (3,600 an hour).',
    fix: `Find in Setup > Login History what logs in that often, or give the app a user of its own: step 14 (${RUN_AS}).`,
    externalClientApp: `${POLICIES} > OAuth Policies > Run As username`,
    loginHistory: 'Login rate exceeded (LOGIN_ERROR_RATE_EXCEEDED)',
  },
  {
    code: 'maximum-logins-exceeded',
    when: /maximum logins exceeded/i,
    summary: "The Run As user's licence allows no more logins.",
    fix: `Step 14 (${RUN_AS}): pick a user whose licence allows API logins.`,
    externalClientApp: `${POLICIES} > OAuth Policies > Run As username`,
    loginHistory: 'Maximum logins exceeded (LOGIN_ERROR_LOGINS_EXCEEDED)',
  },
  {
    code: 'login-host-busy',
    when: /already being processed/i,
    summary: 'The login host is still working on another token request of the same app.',
    fix: 'Wait; the proxy asks again. If this goes on, look in Setup > Login History for what else logs in with the app.',
    externalClientApp: 'the same',
    loginHistory: 'Failed: Token request is already being processed',
  },
  {
    code: 'run-as-user-missing',
    when: /no client credentials user enabled/i,
    summary: 'The app has no Run As user.',
    fix: `Steps 13 to 15 (${RUN_AS}, then Save): pick a user with API access, by Username and not by e-mail address.`,
    externalClientApp: `${POLICIES} > OAuth Policies > Enable Client Credentials Flow, and the Run As username`,
    loginHistory: 'no row: there is no user yet',
  },
  {
    code: 'flow-not-enabled',
    when: /client credentials flow not enabled/i,
    summary: 'The client credentials flow is not enabled on the app.',
    fix: 'Step 8 (Enable Client Credentials Flow, OK, Save).',
    externalClientApp: `${SETTINGS} > Flow Enablement > Enable Client Credentials Flow; and again in Policies > OAuth Policies`,
    loginHistory: NO_LOGIN,
  },
  {
    code: 'wrong-login-host',
    when: /request not supported on this domain/i,
    summary: 'The login host is not the My Domain of the org.',
    fix: 'CLOUDAWARE_URL must be the address in Setup > My Domain (https://<name>.my.salesforce.com): not login.salesforce.com, test.salesforce.com, *.lightning.force.com or *.salesforce-setup.com.',
    externalClientApp: 'the same',
    loginHistory: NO_LOGIN,
  },
  {
    code: 'grant-type-refused',
    when: /^(unsupported_grant_type|unauthorized_client)/,
    summary: 'The org does not accept this way of logging in from the app.',
    fix: 'Step 8 (Enable Client Credentials Flow, OK, Save). If that is done, CLOUDAWARE_URL must be https and the My Domain (https://<name>.my.salesforce.com), not a Lightning or setup address.',
    externalClientApp: `${SETTINGS} > Flow Enablement > Enable Client Credentials Flow; and again in Policies > OAuth Policies`,
    loginHistory: NO_LOGIN,
  },
  {
    code: 'consumer-key-unknown',
    when: /^invalid_client_id/,
    summary: 'The org does not know the Consumer Key.',
    fix: 'Steps 10 to 12 (Manage Consumer Details > Consumer Key): copy it whole into CLOUDAWARE_CLIENT_ID; CLOUDAWARE_URL must be of the same org. A new app is known some ten minutes after step 9 (Continue).',
    externalClientApp: `${SETTINGS} > Consumer Key and Secret; the app must show the status Enabled`,
    loginHistory: `${NO_LOGIN}; LOGIN_OAUTH_CONSUMER_DELETED where the app was deleted`,
  },
  {
    code: 'app-not-installed',
    when: /app must be installed into org/i,
    summary: 'The app is not installed in the org.',
    fix: 'An administrator: Setup > Connected Apps OAuth Usage > Install, beside the app.',
    externalClientApp: 'External Client App Manager: the app must show the status Enabled',
    loginHistory: NO_LOGIN,
  },
  {
    code: 'consumer-secret-refused',
    when: /^invalid_client:?/,
    summary: 'The org refuses the Consumer Secret.',
    fix: 'Steps 10 to 12 (Manage Consumer Details > Consumer Secret): copy it whole into CLOUDAWARE_CLIENT_SECRET; it may have been rotated since.',
    externalClientApp: `${SETTINGS} > Consumer Key and Secret`,
    loginHistory: NO_LOGIN,
  },
  {
    code: 'user-not-approved',
    when: /^(invalid_app_access|OAUTH_APP_ACCESS_DENIED)|user hasn't approved this consumer|not admin approved/i,
    summary: 'The Run As user is not approved for the app.',
    fix: "Step 13 (Manage > Edit Policies > Permitted Users): attach the user's profile or a permission set to the app.",
    externalClientApp: `${POLICIES} > App Policies > Selected Permission Sets`,
    loginHistory: 'a row that calls the user not approved for the app, or none',
  },
  {
    code: 'scopes-missing',
    when: /no valid scopes defined/i,
    summary: 'The app has no scope that this flow can grant.',
    fix: 'Step 6 (Selected OAuth Scopes): add "Manage user data via APIs (api)"; "full" alone does not do.',
    externalClientApp: `${SETTINGS} > Selected OAuth Scopes`,
    loginHistory: NO_LOGIN,
  },
  {
    code: 'login-restricted',
    when: /ip restricted or invalid login hours|activation secret invalid/i,
    summary: "The Run As user's profile allows no login from this address, or none at this hour.",
    fix: "Step 13 (Manage > Edit Policies > IP Relaxation > Relax IP restrictions), or Login IP Ranges and Login Hours of the user's profile.",
    externalClientApp: `${POLICIES} > App Authorization > IP Relaxation`,
    loginHistory:
      'Restricted IP (LOGIN_ERROR_RESTRICTED_DOMAIN), IP Address Not Allowed (LOGIN_OAUTH_INVALID_IP), LOGIN_ERROR_RESTRICTED_TIME or LOGIN_OAUTH_INVALID_DS',
  },
  {
    code: 'user-inactive',
    when: /^inactive_user|inactive user|user is (inactive|frozen)/i,
    summary: 'The Run As user is deactivated or frozen.',
    fix: `Step 14 (${RUN_AS}): pick another user, or have this one activated.`,
    externalClientApp: `${POLICIES} > OAuth Policies > Run As username`,
    loginHistory: 'User is inactive (LOGIN_ERROR_USER_INACTIVE) or User is frozen (LOGIN_ERROR_USER_FROZEN)',
  },
  {
    code: 'org-inactive',
    when: /^inactive_org/,
    summary: 'The org is locked, closed or suspended.',
    fix: 'Ask Cloudaware support.',
    externalClientApp: 'the same',
    loginHistory: 'a row with LOGIN_ERROR_ORG_LOCKOUT or LOGIN_ERROR_ORG_IN_MAINTENANCE',
  },
  {
    code: 'assertion-audience',
    when: /audience/i,
    summary: "The login host refuses the assertion's audience.",
    fix: 'CLOUDAWARE_JWT_AUDIENCE: https://login.salesforce.com, for a sandbox https://test.salesforce.com, or the My Domain.',
    externalClientApp: 'the same',
    loginHistory: NO_LOGIN,
  },
  {
    code: 'assertion-refused',
    when: /invalid assertion/i,
    summary: 'The login host refuses the signed assertion.',
    fix: 'CLOUDAWARE_JWT_KEY_FILE must be the key of the certificate that the app holds, CLOUDAWARE_JWT_USERNAME the Username of an approved user, and the clock of this machine right within minutes.',
    externalClientApp: `${SETTINGS} > Flow Enablement > Enable JWT Bearer Flow: the certificate`,
    loginHistory: 'a row of the user with the reason, or none',
  },
  {
    code: 'assertion-expired',
    when: /expired authorization code/i,
    summary: 'The login host calls the signed assertion expired.',
    fix: 'Assertions hold for three minutes: set the clock of this machine. Once an answer has told the time of the login host, the proxy goes by that.',
    externalClientApp: 'the same',
    loginHistory: 'a row of the user with the reason, or none',
  },
  {
    code: 'request-refused',
    when: /^invalid_request/,
    summary: 'The login host calls the token request malformed.',
    fix: 'CLOUDAWARE_URL must be https and the My Domain itself; look for something in between that rewrites requests.',
    externalClientApp: 'the same',
    loginHistory: NO_LOGIN,
  },
  {
    code: 'grant-refused',
    when: /^invalid_grant/,
    summary: 'The org refuses the login of the Run As user.',
    fix: `Check the user and its permissions: steps 13 to 15 (${RUN_AS}).`,
    externalClientApp: `${POLICIES} > OAuth Policies`,
    loginHistory:
      'a row of the Run As user with the reason, such as OAuth API access disabled (LOGIN_OAUTH_API_DISABLED)',
  },
]
