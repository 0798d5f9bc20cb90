import { Type } from 'typebox'
import { ADMIN_DEFAULTS } from '../admin-defaults.ts'
import { CLOUDAWARE_SETTINGS } from './cloudaware-settings.ts'
import {
  ALLOWED_PATH_LIST,
  choice,
  flag,
  HOST_LIST,
  list,
  ORIGIN_LIST,
  PATH_LIST,
  PORT,
  text,
  whole,
} from './setting-kinds.ts'

const DAY_MS = 86_400_000

/**
 * Every setting, keyed by its environment name. Type, default, validation, help, config.example.env and the README's table come from here.
 * `secret`: never taken from argv. `file`: must be a readable file. `defaultText`: a default that is made elsewhere. A setting with a twin NAME_FILE
 * is never shown, and is read from that file when it is given.
 */
export const settingsSchema = Type.Object({
  ...CLOUDAWARE_SETTINGS,

  PROXY_HOST: Type.String({
    description: 'The address to listen on; `localhost` is both 127.0.0.1 and ::1',
    default: 'localhost',
  }),
  PROXY_PORT: whole('The port to listen on; 0 takes any free one, printed at start', { default: 8080, ...PORT }),
  WORKERS: Type.Optional(
    whole('Has no effect: start several instances with PROXY_REUSE_PORT', {
      minimum: 1,
      maximum: 64,
      deprecated: true,
    }),
  ),
  PROXY_REUSE_PORT: flag(
    'Share PROXY_PORT and PROXY_TLS_PORT with other instances of the same user (SO_REUSEPORT); each needs an ADMIN_PORT of its own',
  ),
  PROXY_SOCKET: text('A unix socket to listen on too, created with mode 0600 whatever the umask'),
  PROXY_TLS_PORT: Type.Optional(
    whole('An https listener beside the plain one, for tools that speak nothing else; 0 takes any free port', PORT),
  ),
  PROXY_TLS_CERT_FILE: text(
    'The certificate chain (PEM) of the https listener, read again when it changes; without one the proxy makes its own for localhost',
    { file: true },
  ),
  PROXY_TLS_KEY_FILE: text('The private key (PEM) of the https listener, read again when it changes', { file: true }),
  PROXY_ALLOWED_HOSTS: list(
    'Further host names by which callers may address the proxy, separated by commas',
    HOST_LIST,
    {
      defaultText: 'the loopback names',
    },
  ),
  PROXY_ALLOWED_ORIGINS: list('Web origins whose pages may call, such as `https://app.example.com`', ORIGIN_LIST),
  PROXY_LOGIN: choice(
    'Answer the logins of tools that insist on one with a placeholder, whatever their credentials (with PROXY_API_KEY: the key)',
    'on',
    ['on', 'off'],
  ),
  PROXY_READ_ONLY: flag('Refuse every request that could change something'),
  PROXY_ALLOWED_PATHS: list(
    'Further path prefixes or patterns that are forwarded, or the name of a built-in refusal to lift',
    ALLOWED_PATH_LIST,
    {
      defaultText: 'the API families',
    },
  ),
  PROXY_DENIED_PATHS: list('Further path prefixes or patterns that are refused', PATH_LIST, {
    defaultText: 'what would reveal, end or widen the session',
  }),
  PROXY_API_KEY: text(
    'A key that callers must present, of at least 8 characters; or several as `name:key`, on lines or between commas',
    { secret: true, minLength: 8 },
  ),
  PROXY_API_KEY_FILE: text('A file that holds the key or keys; read again when it changes'),
  PROXY_ALLOW_REMOTE: flag('Allow listening beyond loopback without PROXY_API_KEY'),
  PROXY_REPLAY_LIMIT_BYTES: whole('How much of a request body is held to send it once more when the session died', {
    default: 1_048_576,
    minimum: 0,
    maximum: 268_435_456,
  }),
  PROXY_MAX_CONNECTIONS: whole(
    'How many connections callers may have open, on all listeners together; fewer where the limit on open files (ulimit -n) is low',
    { default: 4096, minimum: 1, maximum: 1_000_000 },
  ),
  PROXY_UPLOAD_SILENCE_MS: whole(
    'How long an upload may pause while the proxy waits for it, before it gets 408, in milliseconds; 0 = as long as it likes',
    { default: 30_000, minimum: 0, maximum: DAY_MS },
  ),
  PROXY_REWRITE_BODIES: choice(
    "Whether the org's addresses in identity-like answers become the caller's, to keep clients on the proxy",
    'identity',
    ['identity', 'off'],
  ),

  UPSTREAM_CONNECTIONS: whole('Connections to Cloudaware at most', { default: 64, minimum: 1, maximum: 4096 }),
  UPSTREAM_QUEUE_LIMIT: whole('How many requests may wait while all connections are in use; further ones get 503', {
    default: 1024,
    minimum: 0,
    maximum: 65_536,
  }),
  UPSTREAM_QUEUE_TIMEOUT_MS: whole('How long such a request waits before it gets 503, in milliseconds', {
    default: 30_000,
    minimum: 1,
    maximum: DAY_MS,
  }),
  UPSTREAM_CONNECT_TIMEOUT_MS: whole('How long connecting to Cloudaware may take, in milliseconds', {
    default: 10_000,
    minimum: 1,
    maximum: 600_000,
  }),
  UPSTREAM_TIMEOUT_MS: whole("How long Cloudaware's answer, or its next byte, may take, in milliseconds", {
    default: 600_000,
    minimum: 1,
    maximum: DAY_MS,
  }),

  UPSTREAM_HALF_CLOSED_MS: whole(
    'How long a client that has closed its sending side waits for a response before it gets 504, in milliseconds; 0 = no limit',
    { default: 90_000, minimum: 0, maximum: DAY_MS },
  ),

  ADMIN_HOST: Type.String({
    description: 'The address of the admin listener (health, metrics, status)',
    default: ADMIN_DEFAULTS.host,
  }),
  ADMIN_PORT: Type.Union([Type.Integer(PORT), Type.Literal('off')], {
    description: 'The port of the admin listener; 0 takes any free one, `off` turns it off',
    default: ADMIN_DEFAULTS.port,
  }),
  ADMIN_ALLOWED_HOSTS: list('Further host names by which the admin listener may be addressed', HOST_LIST, {
    defaultText: 'the loopback names',
  }),
  ADMIN_ALLOW_QUIT: flag('Let `POST /quitquitquit` on the admin listener stop the proxy'),
  INSPECT: flag(
    'Keep the first 16 KiB of each body for the status page; whoever reaches the admin listener then sees the exchanges',
  ),

  LOG_LEVEL: choice('The least severe level that is logged', 'info', [
    'trace',
    'debug',
    'info',
    'warn',
    'error',
    'fatal',
    'silent',
  ]),
  LOG_REQUESTS: choice(
    'Which requests have a line in the log: `all`, only those that failed (`failures`), or `none`',
    'all',
    ['all', 'failures', 'none'],
  ),
  LOG_FORMAT: choice('`auto` is `pretty` on a terminal and `json` elsewhere', 'auto', ['auto', 'json', 'pretty']),

  DRAIN_DELAY_MS: whole('After SIGTERM: how long new requests are still accepted, in milliseconds', {
    default: 0,
    minimum: 0,
    maximum: DAY_MS,
  }),
  DRAIN_TIMEOUT_MS: whole('After that: how long running requests may take to end, in milliseconds', {
    default: 30_000,
    minimum: 0,
    maximum: DAY_MS,
  }),
})
