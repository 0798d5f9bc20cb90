import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Lab, Target } from './lab.ts'
import { isInstalled, type Command } from './processes.ts'

export interface Place {
  readonly port: number
  readonly target: Target
  readonly lab: Lab
}

export interface Contestant {
  readonly name: string
  /** Whether it is measured over TLS too. */
  readonly hasTls: boolean
  /** What has to be installed; Node programs need nothing. */
  readonly needs?: string
  /** Left out of a quick run. */
  readonly isExtra?: boolean
  readonly command: (place: Place) => Command
}

/** The key that every caller presents; only ours looks at it. */
export const API_KEY = 'bench-key-0123456789'

const root = resolve(import.meta.dirname, '..')
export const FLOOR = 'Node floor'
export const BARE = 'bare @fastify/http-proxy'
export const OURS = 'cloudaware-proxy'
export const KUBECTL = 'kubectl proxy'

export const CONTESTANTS: readonly Contestant[] = [
  { name: FLOOR, hasTls: true, command: program('node-floor.ts') },
  { name: OURS, hasTls: true, command: ours({}) },
  { name: BARE, hasTls: true, command: program('bare-plugin.ts') },
  { name: 'fast-proxy', hasTls: false, command: program('fast-proxy.ts') },
  { name: 'http-proxy-middleware', hasTls: false, isExtra: true, command: program('http-proxy-middleware.ts') },
  { name: KUBECTL, hasTls: true, needs: 'kubectl', command: kubectl },
  { name: 'Caddy', hasTls: true, isExtra: true, needs: 'caddy', command: caddy },
  { name: 'nginx, one worker', hasTls: true, isExtra: true, needs: 'nginx', command: nginx },
  { name: 'haproxy, one thread', hasTls: true, isExtra: true, needs: 'haproxy', command: haproxy },
  { name: `${OURS}, no access line`, hasTls: false, isExtra: true, command: ours({ LOG_LEVEL: 'warn' }) },
]

export function contestantsFor({ isQuick }: { isQuick: boolean }): Contestant[] {
  return CONTESTANTS.filter(
    ({ needs, isExtra }) => (needs === undefined || isInstalled(needs)) && !(isQuick && isExtra),
  )
}

export function named(name: string): Contestant {
  const found = CONTESTANTS.find((contestant) => contestant.name === name)
  if (found === undefined) throw new Error(`no contestant is called ${name}`)
  return found
}

function program(file: string): Contestant['command'] {
  return ({ port, target }) => ({
    file: process.execPath,
    args: [
      join(import.meta.dirname, 'programs', file),
      String(port),
      target.origin,
      ...(target.caFile === undefined ? [] : [target.caFile]),
    ],
  })
}

/** The program as it is shipped, every guard on, its access log in a file. */
export function ours(settings: Readonly<Record<string, string>>): Contestant['command'] {
  return ({ port, target, lab }) => ({
    file: process.execPath,
    args: [join(root, 'dist/main.mjs'), 'serve'],
    output: join(lab.directory, `access-${port}.log`),
    env: {
      CLOUDAWARE_URL: target.origin,
      CLOUDAWARE_CLIENT_ID: '3MVG9bench',
      CLOUDAWARE_CLIENT_SECRET: 'bench-secret-0123456789',
      CLOUDAWARE_TOKEN_URL: lab.tokenUrl,
      PROXY_HOST: '127.0.0.1',
      PROXY_PORT: String(port),
      PROXY_API_KEY: API_KEY,
      PROXY_READ_ONLY: 'true',
      PROXY_ALLOWED_ORIGINS: 'https://tool.example.com',
      PROXY_DENIED_PATHS: '/services/data/*/wave/**',
      ADMIN_PORT: 'off',
      // Where compiled code is kept from the first start on, as on anybody's machine.
      XDG_STATE_HOME: lab.directory,
      LOG_FORMAT: 'json',
      TOKEN_REQUESTS_PER_HOUR: '3600',
      UPSTREAM_CONNECTIONS: '64',
      ...(target.caFile !== undefined && { CLOUDAWARE_CA_FILE: target.caFile }),
      ...settings,
    },
  })
}

function kubectl({ port, target, lab }: Place): Command {
  const config = join(lab.directory, `kubeconfig-${port}`)
  const cluster = {
    server: target.origin,
    ...(target.caFile !== undefined && { 'certificate-authority': target.caFile }),
  }
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 'bench' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(content), { mode: 0o600 })
  return { file: 'kubectl', args: ['proxy', `--port=${port}`, `--kubeconfig=${config}`] }
}

function caddy({ port, target, lab }: Place): Command {
  const config = join(lab.directory, `Caddyfile-${port}`)
  const transport = target.caFile === undefined ? '' : `transport http {\n tls_trusted_ca_certs ${target.caFile}\n }`
  writeFileSync(
    config,
    `{\n admin off\n}\nhttp://127.0.0.1:${port} {\n reverse_proxy ${target.origin} {\n ${transport}\n }\n}\n`,
  )
  return {
    file: 'caddy',
    args: ['run', '--config', config, '--adapter', 'caddyfile'],
    env: { HOME: lab.directory, GOMAXPROCS: '2' },
  }
}

function nginx({ port, target, lab }: Place): Command {
  const config = join(lab.directory, `nginx-${port}.conf`)
  const { protocol, host } = new URL(target.origin)
  const tls =
    target.caFile === undefined
      ? ''
      : `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${target.caFile}; proxy_ssl_name localhost; proxy_ssl_server_name on;`
  writeFileSync(
    config,
    `daemon off;
worker_processes 1;
pid ${lab.directory}/nginx-${port}.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${lab.directory}/nginx-body-${port};
  proxy_temp_path ${lab.directory}/nginx-proxy-${port};
  upstream api { server ${host.replace('localhost', '127.0.0.1')}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${protocol}//api; proxy_http_version 1.1; proxy_set_header Connection ""; ${tls} }
  }
}
`,
  )
  return { file: 'nginx', args: ['-p', lab.directory, '-e', 'stderr', '-c', config] }
}

function haproxy({ port, target, lab }: Place): Command {
  const config = join(lab.directory, `haproxy-${port}.cfg`)
  const { host } = new URL(target.origin)
  const tls = target.caFile === undefined ? '' : ` ssl verify required ca-file ${target.caFile} sni str(localhost)`
  writeFileSync(
    config,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  http-reuse always
  server s ${host.replace('localhost', '127.0.0.1')}${tls}
`,
  )
  return { file: 'haproxy', args: ['-q', '-db', '-f', config] }
}
