import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { freePort, isInstalled, listening, start } from './processes.ts'

/** Where a proxy sends its requests. */
export interface Target {
  readonly origin: string
  /** PEM: the certificate to trust, and its path. */
  readonly caFile?: string
}

/** What every proxy is measured against, each in a process of its own: the API in clear and over TLS, a sink for streams, a login host. */
export interface Lab extends AsyncDisposable {
  readonly directory: string
  readonly plain: Target
  readonly tls: Target
  /** The node:http upstream, which reads bodies to their end. */
  readonly streams: Target
  readonly tokenUrl: string
  /** One whose first token lives so many seconds, and the next as short as they may. It takes 50 ms. */
  livingTokenUrl(firstLifeSeconds: number): string
  /** When tokens were asked for there, and given: epoch milliseconds, the first one's included. */
  tokenTimes(): Promise<readonly { asked: number; answered: number }[]>
  /** What answers `plain` and `tls`. */
  readonly upstreamName: string
}

/** 2.1 kB of JSON, as a record of the CMDB comes. */
const ANSWER = JSON.stringify({
  attributes: {
    type: 'CA10__CaAwsInstance__c',
    url: '/services/data/v67.0/sobjects/CA10__CaAwsInstance__c/a0B000000000001',
  },
  ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`CA10__field${n}__c`, `i-0123456789abcdef value ${n}`])),
})

const ANSWER_FIELDS: readonly (readonly [string, string])[] = [
  ['Sforce-Limit-Info', 'api-usage=18/100000'],
  ['X-SFDC-Request-Id', '4b6d1e0c9f3a2b71'],
  ['Cache-Control', 'no-cache,must-revalidate,max-age=0,no-store,private'],
  ['Strict-Transport-Security', 'max-age=63072000; includeSubDomains'],
  ['Vary', 'Accept-Encoding'],
]

export async function openLab(): Promise<Lab> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudaware-proxy-bench-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content, { mode: 0o600 })
    return join(directory, name)
  }
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  const caFile = file('ca.pem', `${cert.trim()}\n`)
  const identity = file('identity.pem', `${key.trim()}\n${cert.trim()}\n`)
  const answer = file('answer.json', ANSWER)
  const [plainPort, tlsPort, streamPort, tokenPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const program = (name: string, ...args: string[]) =>
    start({ file: process.execPath, args: [join(import.meta.dirname, 'programs', name), ...args] })

  const hasNginx = isInstalled('nginx')
  if (hasNginx) {
    const config = file('upstream.conf', nginxConfig({ directory, plainPort, tlsPort, identity }))
    stack.use(start({ file: 'nginx', args: ['-p', directory, '-e', 'stderr', '-c', config] }))
  } else {
    stack.use(program('upstream.ts', String(plainPort), answer))
    stack.use(program('upstream.ts', String(tlsPort), answer, identity))
  }
  stack.use(program('upstream.ts', String(streamPort), answer))
  stack.use(program('token-endpoint.ts', String(tokenPort)))
  await Promise.all([plainPort, tlsPort, streamPort, tokenPort].map(listening))
  const opened = stack.move()
  return {
    directory,
    plain: { origin: `http://127.0.0.1:${plainPort}` },
    tls: { origin: `https://localhost:${tlsPort}`, caFile },
    streams: { origin: `http://127.0.0.1:${streamPort}` },
    tokenUrl: `http://127.0.0.1:${tokenPort}/services/oauth2/token`,
    livingTokenUrl: (seconds) => `http://127.0.0.1:${tokenPort}/living/${seconds}/services/oauth2/token`,
    tokenTimes: async () =>
      (await (await fetch(`http://127.0.0.1:${tokenPort}/times`)).json()) as { asked: number; answered: number }[],
    upstreamName: hasNginx ? 'nginx' : 'node:http',
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** One worker, no log, answers from memory. */
function nginxConfig(options: { directory: string; plainPort: number; tlsPort: number; identity: string }): string {
  const { directory, plainPort, tlsPort, identity } = options
  const fields = ANSWER_FIELDS.map(([name, value]) => `add_header ${name} "${value}";`).join('\n    ')
  return `daemon off;
worker_processes 1;
pid ${directory}/upstream.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_temp_path ${directory}/body;
  server {
    listen 127.0.0.1:${plainPort} backlog=2048;
    listen 127.0.0.1:${tlsPort} ssl backlog=2048;
    ssl_certificate ${identity};
    ssl_certificate_key ${identity};
    default_type application/json;
    ${fields}
    location / { return 200 '${ANSWER}'; }
  }
}
`
}
