import { Type } from 'typebox'
import { choice, flag, HOST_LIST, list, text, whole } from './setting-kinds.ts'

/** Where Cloudaware is, how it is reached, and how the token is obtained: the part of the schema that is about the other side, not about callers. */
export const CLOUDAWARE_SETTINGS = {
  CLOUDAWARE_URL: Type.String({
    description: "The org's My Domain, `https://<name>.my.salesforce.com` (Setup > My Domain)",
  }),
  CLOUDAWARE_CLIENT_ID: Type.String({ description: 'The Consumer Key of the app' }),
  CLOUDAWARE_CLIENT_ID_FILE: text('A file that holds the Consumer Key; read again when it changes'),
  CLOUDAWARE_CLIENT_SECRET: text('The Consumer Secret of the app; required by `client_credentials`', { secret: true }),
  CLOUDAWARE_CLIENT_SECRET_FILE: text('A file that holds the Consumer Secret; read again when it changes'),
  CLOUDAWARE_CLIENT_AUTH: choice(
    'How the client authenticates at the token endpoint: in the form (`post`) or in a Basic header (`basic`)',
    'post',
    ['post', 'basic'],
  ),
  CLOUDAWARE_GRANT_TYPE: choice('The OAuth 2.0 flow that obtains the token', 'client_credentials', [
    'client_credentials',
    'jwt_bearer',
  ]),
  CLOUDAWARE_JWT_KEY_FILE: text("The RSA private key (PEM) whose certificate is the app's; for `jwt_bearer`", {
    file: true,
  }),
  CLOUDAWARE_JWT_USERNAME: text('The username to act as; for `jwt_bearer`'),
  CLOUDAWARE_JWT_AUDIENCE: text('The audience of the assertion; for `jwt_bearer`', {
    defaultText: '`https://login.salesforce.com`; on a sandbox `https://test.salesforce.com`',
  }),
  CLOUDAWARE_TOKEN_URL: text('The token endpoint', { defaultText: '`<CLOUDAWARE_URL>/services/oauth2/token`' }),
  CLOUDAWARE_API_URL: text('Where requests are sent', { defaultText: "the token answer's `instance_url`" }),
  CLOUDAWARE_TRUSTED_HOSTS: list('Further host names that `instance_url` may name, separated by commas', HOST_LIST),
  CLOUDAWARE_CA_FILE: text('Further CA certificates (PEM), for instance of a TLS-inspecting company proxy', {
    file: true,
  }),

  HTTPS_PROXY: text('The company proxy through which Cloudaware is reached, `http://[user:password@]host:port`', {
    secret: true,
  }),
  HTTPS_PROXY_FILE: text('A file that holds that address'),
  NO_PROXY: text('Hosts that are reached directly all the same, as curl reads it'),

  TOKEN_LIFETIME_SECONDS: whole("The token's assumed life, in seconds, where nothing better is known", {
    default: 7200,
    minimum: 1,
    maximum: 604_800,
  }),
  TOKEN_INTROSPECT: flag('Ask the introspection endpoint when the token really ends'),
  TOKEN_WAIT_MS: whole('How long a request waits for a token before it is answered with 503, in milliseconds', {
    default: 10_000,
    minimum: 0,
    maximum: 600_000,
  }),
  TOKEN_REQUESTS_PER_HOUR: whole('How many token requests an hour are made at most, whatever goes wrong', {
    default: 360,
    minimum: 1,
    maximum: 3600,
  }),
  TOKEN_STORE_URL: text(
    'A Redis or Valkey server by which replicas share one token, `redis[s]://[user:password@]host[:port][/database]`',
    { secret: true },
  ),
  TOKEN_STORE_URL_FILE: text('A file that holds that address'),
}
