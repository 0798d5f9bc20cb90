import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import { CheckFailure } from './finding.ts'
import { openTunnel } from '../upstream/tunnel.ts'
import type { Destination } from './places.ts'
import type { Visit } from './visit.ts'

export interface Seen {
  /** What the host shows, whoever signed it; undefined where no handshake comes about. */
  readonly seen: PeerCertificate | undefined
  readonly host: string
  /** CLOUDAWARE_CA_FILE is set already. */
  readonly isOwnCa: boolean
}

type Explain = (seen: Seen) => readonly [summary: string, fix: string]

const INSPECTION =
  'Behind a TLS-inspecting proxy set CLOUDAWARE_CA_FILE to its CA certificate (PEM), which the company’s network people have.'
const INSPECTION_AGAIN =
  'CLOUDAWARE_CA_FILE is set, but does not hold the certificate of this issuer: put the CA certificate that signs it there (PEM).'

const unknownIssuer: Explain = ({ host, seen, isOwnCa }) => [
  `the certificate of ${host} is signed by ${describeIssuer(seen)}, whom this machine does not trust`,
  isOwnCa ? INSPECTION_AGAIN : INSPECTION,
]

/** OpenSSL's verdicts in words; https://docs.openssl.org/3.0/man1/openssl-verification-options/ */
const PROBLEMS: Readonly<Record<string, Explain>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ({ host, isOwnCa }) => [
    `the certificate of ${host} is self-signed: nobody vouches for it`,
    isOwnCa ? INSPECTION_AGAIN : `If that host is yours, set CLOUDAWARE_CA_FILE to that certificate. ${INSPECTION}`,
  ],
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  CERT_HAS_EXPIRED: ({ host, seen }) => [
    `the certificate of ${host} has expired${seen ? ` (${seen.valid_to})` : ''}`,
    'Check the clock of this machine; if it is right, whoever runs the host has to renew the certificate.',
  ],
  CERT_NOT_YET_VALID: ({ host, seen }) => [
    `the certificate of ${host} is not valid yet${seen ? ` (from ${seen.valid_from})` : ''}`,
    'Check the clock of this machine.',
  ],
  CERT_REVOKED: ({ host }) => [`the certificate of ${host} has been revoked`, 'Ask whoever runs the host.'],
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host, seen }) => [
    `the certificate belongs to ${describeNames(seen)}, not to ${host}`,
    'Check the spelling of CLOUDAWARE_URL, and whether DNS leads to the right host.',
  ],
}

/** The failure that OpenSSL's or Node's code stands for; undefined for one that is not about the certificate. */
export function certificateProblem(code: string, seen: Seen): CheckFailure | undefined {
  const explain = PROBLEMS[code]
  if (explain !== undefined) {
    const [summary, fix] = explain(seen)
    return new CheckFailure('tls', `${capital(summary)}.`, { fix, answered: code }, { error: code, ...factsOf(seen) })
  }
  if (!/^(CERT_|INVALID_CA|ERR_SSL_|ERR_TLS_|EPROTO|HOSTNAME_MISMATCH)/.test(code)) return undefined
  return new CheckFailure(
    'tls',
    `${seen.host} and this machine come to no TLS connection.`,
    {
      fix: 'Check that host and port of CLOUDAWARE_URL speak https, and what inspects TLS in between.',
      answered: code,
    },
    { error: code, ...factsOf(seen) },
  )
}

/** The certificate that a host shows, whoever signed it. Nothing is sent over this connection. */
export async function lookAtCertificate(
  { host, port, url, via }: Destination,
  { timeoutMs, secureContext }: Pick<Visit, 'timeoutMs' | 'secureContext'>,
  signal: AbortSignal,
): Promise<PeerCertificate | undefined> {
  let socket: TLSSocket | undefined
  try {
    const tunnel = via && (await openTunnel(`${url.hostname}:${port}`, { proxy: via.url, timeoutMs, secureContext }))
    const way = tunnel === undefined ? { host, port } : { socket: tunnel }
    // For a look only, at a host that verification has already refused.
    socket = connect({ ...way, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) })
    await once(socket, 'secureConnect', { signal })
    return socket.getPeerCertificate()
  } catch {
    return undefined
  } finally {
    socket?.destroy()
  }
}

export function describeIssuer(seen: PeerCertificate | undefined): string {
  const issuer = seen?.issuer
  return text(issuer?.O) ?? text(issuer?.CN) ?? 'an unnamed issuer'
}

function describeNames(seen: PeerCertificate | undefined): string {
  return seen?.subjectaltname?.replaceAll(/(?:DNS|IP Address):/g, '') ?? text(seen?.subject.CN) ?? 'another host'
}

function factsOf({ seen }: Seen): object {
  if (seen === undefined) return {}
  const { subjectaltname: names, valid_from: validFrom, valid_to: validTo, fingerprint256: fingerprint } = seen
  return { issuer: describeIssuer(seen), names, validFrom, validTo, fingerprint }
}

/** A name may stand several times in a certificate. */
function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
