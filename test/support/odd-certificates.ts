import { generate } from 'selfsigned'

export interface CertificateOptions {
  /** The DNS name beside 127.0.0.1. */
  readonly name?: string
  readonly from?: Date
  readonly to?: Date
  /** Who signs it, PEM; itself unless given. */
  readonly ca?: { key: string; cert: string }
  /** Whether it may sign others, and its own name then. */
  readonly authority?: string
}

/** A certificate with something odd about it; for `localhost` and 127.0.0.1 unless told otherwise; PEM. */
export async function oddCertificate(options: CertificateOptions = {}): Promise<{ key: string; cert: string }> {
  const { name = 'localhost', from, to, ca, authority } = options
  const { private: key, cert } = await generate([{ name: 'commonName', value: authority ?? name }], {
    keySize: 2048,
    algorithm: 'sha256',
    ...(from && { notBeforeDate: from }),
    ...(to && { notAfterDate: to }),
    ...(ca && { ca }),
    extensions: [
      ...(authority === undefined ? [] : [{ name: 'basicConstraints', cA: true, critical: true } as const]),
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: name }, ...(name === 'localhost' ? [{ type: 7, ip: '127.0.0.1' } as const] : [])],
      },
    ],
  })
  return { key, cert }
}
