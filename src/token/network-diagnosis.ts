import type { Diagnosis } from './diagnosis.ts'
import type { OAuthError } from './oauth-error.ts'

interface Row {
  readonly code: string
  readonly errors: RegExp
  readonly summary: string
  readonly fix: string
}

/** Failures where no login host gave a verdict: the network, the certificate, an answer that is none, a credential that cannot be read. */
const ROWS: readonly Row[] = [
  {
    code: 'host-unknown',
    errors: /^(ENOTFOUND|ENODATA)$/,
    summary: 'The name of the login host cannot be resolved.',
    fix: 'Check the spelling of CLOUDAWARE_URL (Setup > My Domain shows the name), and DNS.',
  },
  {
    code: 'dns-trouble',
    errors: /^(EAI_AGAIN|EAI_FAIL|ESERVFAIL|ETIMEOUT)$/,
    summary: 'The name server does not answer.',
    fix: 'Check the network and DNS of this machine.',
  },
  {
    code: 'connection-refused',
    errors: /^ECONNREFUSED$/,
    summary: 'The login host refuses the connection.',
    fix: 'Check host and port of CLOUDAWARE_URL and CLOUDAWARE_TOKEN_URL, and firewalls in between.',
  },
  {
    code: 'network-unreachable',
    errors: /^(ENETUNREACH|EHOSTUNREACH|ENETDOWN|EHOSTDOWN|EADDRNOTAVAIL)$/,
    summary: 'There is no network route to the login host.',
    fix: 'Check the network and VPN of this machine.',
  },
  {
    code: 'login-host-timeout',
    errors: /^(timeout|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/,
    summary: 'The login host does not answer in time.',
    fix: 'Check the network, and firewalls that drop what they do not allow.',
  },
  {
    code: 'certificate-untrusted',
    errors:
      /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED|CERT_CHAIN_TOO_LONG|INVALID_CA)$/,
    summary:
      'The certificate of the login host is signed by nobody whom this machine trusts, so nothing was sent to it.',
    fix: 'Behind a TLS-inspecting proxy set CLOUDAWARE_CA_FILE to its CA certificate.',
  },
  {
    code: 'certificate-expired',
    errors: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    summary: 'The certificate of the login host is out of its dates, so nothing was sent to it.',
    fix: 'Check the clock of this machine; if it is right, ask whoever runs the host.',
  },
  {
    code: 'certificate-name',
    errors: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    summary: 'The certificate of the login host belongs to another name, so nothing was sent to it.',
    fix: 'Check the spelling of CLOUDAWARE_URL.',
  },
  {
    code: 'tls-failure',
    errors: /^(EPROTO|ERR_SSL_.*|ERR_TLS_.*|CERT_.*)$/,
    summary: 'No TLS connection to the login host comes about.',
    fix: 'Check that host and port of CLOUDAWARE_URL speak https, and what inspects TLS in between.',
  },
  {
    code: 'company-proxy-credentials',
    errors: /^HTTPS_PROXY_407$/,
    summary: 'The company proxy (HTTPS_PROXY) asks for a user name and a password.',
    fix: 'Give them in HTTPS_PROXY: http://user:password@host:port, special characters percent-encoded.',
  },
  {
    code: 'company-proxy-refuses',
    errors: /^HTTPS_PROXY_\d+$/,
    summary: 'The company proxy (HTTPS_PROXY) does not connect to the login host.',
    fix: 'Ask whoever runs it to allow the host of CLOUDAWARE_URL, port 443; or name that host in NO_PROXY, if it is reached directly.',
  },
  {
    code: 'company-proxy-unreachable',
    errors: /^HTTPS_PROXY_\w+$/,
    summary: 'The company proxy (HTTPS_PROXY) cannot be reached.',
    fix: 'Check host and port of HTTPS_PROXY; or name the host of CLOUDAWARE_URL in NO_PROXY, if it is reached directly.',
  },
  {
    code: 'redirected',
    errors: /^redirected$/,
    summary:
      'The login host redirects the token request, which is never followed: the My Domain was renamed, or the address is not https.',
    fix: 'Set CLOUDAWARE_URL to the new address; the log names both.',
  },
  {
    code: 'no-token-endpoint',
    errors: /^no_token_endpoint$/,
    summary: 'There is no token endpoint at this address.',
    fix: 'CLOUDAWARE_URL must be the My Domain (https://<name>.my.salesforce.com) without a path; CLOUDAWARE_TOKEN_URL, if set, must end in /services/oauth2/token.',
  },
  {
    code: 'login-host-trouble',
    errors: /^(server_error|unknown_error|temporarily_unavailable)$/,
    summary: 'The login host reports a failure of its own.',
    fix: 'Wait; the proxy keeps trying. See https://status.salesforce.com.',
  },
  {
    code: 'html-answer',
    errors: /^html_answer$/,
    summary:
      'The login host answers with a web page: it is down for maintenance, or something in between answers for it.',
    fix: 'Wait, the proxy keeps trying; see https://status.salesforce.com, and whether the network has a login page of its own.',
  },
  {
    code: 'unusable-answer',
    errors:
      /^(empty_answer|unreadable_answer|oversized_answer|no_access_token|malformed_access_token|unsupported_token_type|token_not_described)$/,
    summary: 'The answer of the login host holds no usable token.',
    fix: 'Check that CLOUDAWARE_URL and CLOUDAWARE_TOKEN_URL name the My Domain of the org.',
  },
  {
    code: 'refused-token-reissued',
    errors: /^refused_token_reissued$/,
    summary: 'The login host keeps returning a token that Cloudaware itself reports as ended.',
    fix: "End the session of the Run As user in Setup > Session Management, so that the next login makes a new one; if it comes back, check the user's API permissions and IP ranges.",
  },
  {
    code: 'secret-unreadable',
    errors: /^secret_unreadable$/,
    summary: 'A credential is missing: it is empty, or its file cannot be read.',
    fix: 'The log names it. Check that its file is there and that this user may read it.',
  },
  {
    code: 'private-key-unreadable',
    errors: /^unreadable_private_key$/,
    summary: 'The private key is not an RSA key in PEM form.',
    fix: 'CLOUDAWARE_JWT_KEY_FILE must hold an unencrypted RSA private key (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY).',
  },
]

/** The diagnosis of a failure that is no verdict of a login host; undefined for an OAuth error that one sent. */
export function networkDiagnosis({ error, status }: Pick<OAuthError, 'error' | 'status'>): Diagnosis | undefined {
  const row = ROWS.find(({ errors }) => errors.test(error))
  if (row === undefined && status !== undefined) return undefined
  const { code, summary, fix } = row ?? {
    code: 'login-host-unreachable',
    summary: 'The connection to the login host fails.',
    fix: 'Check the network, and firewalls and proxies in between.',
  }
  return { code, summary, fix, externalClientApp: 'the same', loginHistory: 'no row: nothing reached the login' }
}
