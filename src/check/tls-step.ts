import { TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import { certificateProblem, describeIssuer, lookAtCertificate } from './certificate-problem.ts'
import type { Finding } from './finding.ts'
import { destinationsOf, type Destination } from './places.ts'
import { toOAuthError } from '../token/oauth-error.ts'
import { networkFailure } from './trouble.ts'
import type { Visit } from './visit.ts'

const DAY_MS = 86_400_000
/** A certificate that ends sooner deserves a word: public ones are renewed a month ahead. */
const SOON_DAYS = 10

/** A handshake with each host by the proxy's own rules, and what is wrong with its certificate where it fails. */
export async function tlsStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const secure = destinationsOf(visit.settings).filter(({ isSecure }) => isSecure)
  if (secure.length === 0) return { status: 'skipped', summary: 'not used: http on this machine' }
  const certificates: Awaited<ReturnType<typeof handshake>>[] = []
  for (const place of secure) certificates.push(await handshake(visit, place, signal))
  const words = certificates.map(({ host, via, protocol, issuer, daysLeft }) => {
    const tunnel = via === undefined ? '' : ` through ${via}`
    return `${host}${tunnel}: ${protocol}, certificate by ${issuer}, ${daysLeft} days left`
  })
  const endsSoon = certificates.some(({ daysLeft }) => daysLeft < SOON_DAYS)
  return { status: endsSoon ? 'note' : 'ok', summary: words.join('; '), facts: { certificates } }
}

async function handshake(visit: Visit, place: Destination, signal: AbortSignal) {
  const { connector, clock, settings } = visit
  const { host, port, via } = place
  try {
    const socket = await connected(connector, place, signal)
    const certificate = socket.getPeerCertificate()
    const protocol = socket.getProtocol() ?? 'TLS'
    socket.destroy()
    const daysLeft = Math.floor((Date.parse(certificate.valid_to) - clock.now()) / DAY_MS)
    return {
      host,
      port,
      via: via?.url.host,
      protocol,
      issuer: describeIssuer(certificate),
      validTo: certificate.valid_to,
      daysLeft,
    }
  } catch (thrown) {
    const { error } = toOAuthError(thrown)
    const seen = await lookAtCertificate(place, visit, signal)
    const isOwnCa = settings.CLOUDAWARE_CA_FILE !== undefined
    throw certificateProblem(error, { host, seen, isOwnCa }) ?? networkFailure(thrown, `${host}:${port}`)
  }
}

function connected(connector: Visit['connector'], { url, host, port }: Destination, signal: AbortSignal) {
  return new Promise<TLSSocket>((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const options = { hostname: host, host: url.host, protocol: url.protocol, port: String(port) }
    connector(options, (error: Error | null, socket: Socket | TLSSocket | null) => {
      signal.removeEventListener('abort', onAbort)
      if (socket instanceof TLSSocket) resolve(socket)
      else reject(error ?? new Error('no TLS connection'))
    })
  })
}
