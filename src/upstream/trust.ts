import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/**
 * Node's own certificates and further ones, PEM, to verify all connections by; undefined where Node's alone are trusted. Given as `ca`
 * instead, the whole list would be parsed for each connection and kept with it: 1 MiB, and 12 ms of a processor.
 */
export function trusting(further: string | undefined): SecureContext | undefined {
  // `ca` replaces Node's list, so that has to be given too. It includes NODE_EXTRA_CA_CERTS.
  return further === undefined ? undefined : createSecureContext({ ca: [...getCACertificates('default'), further] })
}
