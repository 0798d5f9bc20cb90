/** One row of what is refused however it is allowed, unless named exactly. */
export interface DeniedPath {
  /** See path-pattern.ts; also the name by which the rule is logged and lifted. */
  readonly pattern: string
  /** `writes`: GET, HEAD and OPTIONS pass. */
  readonly methods: 'any' | 'writes'
  /** A sentence for the caller. */
  readonly why: string
  /** The one path, without what is below it, that the rule leaves alone. */
  readonly except?: string
  /** What the rule protects under whatever path names it: a type of record, and the first three characters of its ids; in small letters. */
  readonly records?: { readonly type: string; readonly keyPrefix: string }
  /** A type of record, in small letters, that no query may ask for. */
  readonly unreadable?: string
}

/** The prefixes of the API: what is not below one of them is the platform's user interface. */
export const API_PREFIXES = [
  '/services/data',
  '/services/apexrest',
  '/services/async',
  '/services/soap/u',
  '/services/soap/c',
  '/services/soap/m',
  '/services/soap/s',
  '/services/soap/t',
  '/services/oauth2/userinfo',
  '/cometd',
  '/id',
] as const

const BROWSER_LOGIN = 'It turns the access token into a browser session.'
const ENDS_SESSION = 'It would end the session that all callers of the proxy share.'
const LOGIN_PAGE =
  'The proxy has no login page: let the tool log in with a username and password (any will do, or the key of PROXY_API_KEY), or give it an access token of the form 00D000000000000!x.'
const OAUTH = 'Tokens are the business of the proxy alone.'
const TOKENS = 'Its records hold tokens, and with what they tell anybody ends them, without a login.'
const PASSWORD = "It reads or resets users' passwords."
const CODE = 'It runs arbitrary code, which can read the access token.'
const SETUP = 'It changes code or configuration of the org.'

/** Paths that turn the credential into more than API access, end it, or change the org itself. */
export const DENIED_PATHS: readonly DeniedPath[] = [
  { pattern: '/secur/frontdoor.jsp', methods: 'any', why: BROWSER_LOGIN },
  { pattern: '/secur/logout.jsp', methods: 'any', why: ENDS_SESSION },
  { pattern: '/services/oauth2/singleaccess', methods: 'any', why: BROWSER_LOGIN },
  { pattern: '/services/oauth2/lightningoutsingleaccess', methods: 'any', why: BROWSER_LOGIN },
  { pattern: '/services/oauth2/revoke', methods: 'any', why: ENDS_SESSION },
  { pattern: '/services/oauth2/authorize', methods: 'any', why: LOGIN_PAGE },
  { pattern: '/services/oauth2/device', methods: 'any', why: LOGIN_PAGE },
  { pattern: '/services/oauth2/**', methods: 'any', why: OAUTH, except: '/services/oauth2/userinfo' },
  { pattern: '/services/data/*/sobjects/**/password', methods: 'any', why: PASSWORD },
  // Also at the end of a relationship (`sobjects/SessionPermSetActivation/<id>/AuthSession`), which may be deleted by that path.
  {
    pattern: '/services/data/*/sobjects/**/authsession/**',
    methods: 'writes',
    why: ENDS_SESSION,
    // Nothing but read and delete is done with them, so deletions are all that has to be looked at.
    records: { type: 'authsession', keyPrefix: '0ak' },
  },
  // Queries are the only way to its rows, which have no id.
  { pattern: '/services/data/*/sobjects/oauthtoken/**', methods: 'writes', why: TOKENS, unreadable: 'oauthtoken' },
  { pattern: '/services/data/*/tooling/executeanonymous/**', methods: 'any', why: CODE },
  { pattern: '/services/soap/s/**', methods: 'any', why: CODE },
  { pattern: '/services/data/*/metadata/deployrequest/**', methods: 'writes', why: SETUP },
  { pattern: '/services/data/*/tooling/sobjects/**', methods: 'writes', why: SETUP },
  { pattern: '/services/data/*/tooling/composite/sobjects/**', methods: 'writes', why: SETUP },
  { pattern: '/services/data/*/tooling/composite/tree/**', methods: 'writes', why: SETUP },
]
