import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../clock.ts'
import { watchSecretFile } from '../token/secret-file.ts'
import type { TokenEvent } from '../token/token-source.ts'
import type { TlsIdentity } from './draining-server.ts'

export interface CertificateFacts {
  /** SHA-256 of the certificate, in hex with colons. */
  readonly fingerprint: string
  readonly validUntil: string
}

export type CertificateEvent =
  | ({ readonly type: 'certificate-renewed' } & CertificateFacts)
  /** The files changed, and what they hold now is of no use: the last good certificate is kept. */
  | { readonly type: 'certificate-refused'; readonly problem: string }

export interface CertificateOptions {
  /** PEM; may be one and the same file. */
  readonly certFile: string
  readonly keyFile: string
  readonly clock: Clock
  readonly onEvent: (event: CertificateEvent | Extract<TokenEvent, { type: 'secret-unreadable' }>) => void
}

/** The https listener's certificate, read again when its files change. */
export interface Certificate {
  readonly identity: TlsIdentity
  readonly facts: CertificateFacts
  /** Called with each new identity, once it is known to be good. */
  onRenewal(renew: (identity: TlsIdentity) => void): void
  /** Looks at the files at once. */
  reload(): Promise<void>
  close(): Promise<void>
}

/** What is wrong with the certificate or its key, in a sentence without either. */
export class CertificateError extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(problem, options)
    this.name = 'CertificateError'
  }
}

/** Throws a CertificateError where the files are of no use from the start. */
export function openCertificate({ certFile, keyFile, clock, onEvent }: CertificateOptions): Certificate {
  const read = () => ({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') })
  let identity = read()
  let facts = factsOf(identity)
  let renew: (identity: TlsIdentity) => void = () => undefined

  // Synchronous, so that two changes cannot overtake each other. Of a pair that is replaced file by file the first change
  // finds two that do not belong together, and the second mends it.
  const reload = () => {
    try {
      const fresh = read()
      if (fresh.cert === identity.cert && fresh.key === identity.key) return
      facts = factsOf(fresh)
      identity = fresh
      renew(fresh)
      onEvent({ type: 'certificate-renewed', ...facts })
    } catch (error) {
      onEvent({ type: 'certificate-refused', problem: problemOf(error) })
    }
  }
  const watched = new Map([
    [certFile, { setting: 'PROXY_TLS_CERT_FILE', known: identity.cert }],
    [keyFile, { setting: 'PROXY_TLS_KEY_FILE', known: identity.key }],
  ])
  const files = Array.from(watched, ([path, { setting, known }]) =>
    watchSecretFile({
      setting,
      path,
      clock,
      known,
      onChange: reload,
      onEvent: (event) => {
        if (event.type === 'secret-unreadable') onEvent(event)
      },
    }),
  )
  return {
    get identity() {
      return identity
    },
    get facts() {
      return facts
    },
    onRenewal: (listener) => {
      renew = listener
    },
    async reload() {
      await Promise.all(files.map((file) => file.look()))
    },
    async close() {
      await Promise.all(files.map((file) => file.close()))
    },
  }
}

function factsOf({ cert, key }: TlsIdentity): CertificateFacts {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(cert)
  } catch (cause) {
    throw new CertificateError('PROXY_TLS_CERT_FILE holds no PEM certificate.', { cause })
  }
  let isPair: boolean
  try {
    isPair = certificate.checkPrivateKey(createPrivateKey(key))
  } catch (cause) {
    throw new CertificateError('PROXY_TLS_KEY_FILE holds no PEM private key without a passphrase.', { cause })
  }
  if (!isPair) throw new CertificateError('PROXY_TLS_CERT_FILE and PROXY_TLS_KEY_FILE do not belong together.')
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new CertificateError('PROXY_TLS_CERT_FILE is of no use to OpenSSL: its key may be too short.', { cause })
  }
  return { fingerprint: certificate.fingerprint256, validUntil: certificate.validToDate.toISOString() }
}

/** A file that vanished between two looks has a system code. */
function problemOf(error: unknown): string {
  return error instanceof CertificateError
    ? error.message
    : `The files cannot be read (${String((error as NodeJS.ErrnoException).code)}).`
}
