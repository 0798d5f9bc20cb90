import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { ConfigError, type Settings } from './config.ts'
import { logCertificateEvent } from './event-log.ts'
import { CertificateError, openCertificate, type Certificate } from './server/certificate.ts'
import { keptSelfSigned } from './server/self-signed.ts'

export interface HttpsIdentityOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  /** Where a certificate of our own making is kept. */
  readonly stateDirectory: string
}

export interface HttpsIdentity {
  readonly certificate: Certificate
  /** The file that a tool may be told to trust. */
  readonly path: string
}

/** What the https listener shows, given or made here; undefined where there is no such listener. Throws ConfigError. */
export async function openHttpsIdentity(options: HttpsIdentityOptions): Promise<HttpsIdentity | undefined> {
  const { settings, clock, logger, stateDirectory } = options
  const { PROXY_TLS_PORT: port, PROXY_TLS_CERT_FILE: certFile, PROXY_TLS_KEY_FILE: keyFile } = settings
  if (port === undefined) return undefined
  const onEvent: Parameters<typeof openCertificate>[0]['onEvent'] = (event) => {
    logCertificateEvent(logger, event)
  }
  try {
    if (certFile !== undefined && keyFile !== undefined) {
      return { certificate: openCertificate({ certFile, keyFile, clock, onEvent }), path: certFile }
    }
    const own = await keptSelfSigned(join(stateDirectory, 'tls'), clock.now())
    const certificate = openCertificate({ certFile: own.pemFile, keyFile: own.pemFile, clock, onEvent })
    return { certificate, path: own.certFile }
  } catch (error) {
    if (error instanceof CertificateError) throw new ConfigError([error.message])
    throw error
  }
}
