import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import type { Finding } from './finding.ts'
import { nextHopsOf, type Place } from './places.ts'
import { networkFailure } from './trouble.ts'
import type { Visit } from './visit.ts'

/** The addresses of each host, by the resolver that connections use; behind a company proxy it is the proxy that looks the org up. */
export async function dnsStep({ settings }: Visit): Promise<Finding> {
  const found: { host: string; setting: string; addresses: string[] }[] = []
  for (const place of nextHopsOf(settings)) {
    const { host, setting } = place
    found.push({ host, setting, addresses: await addressesOf(place) })
  }
  return { status: 'ok', summary: found.map(described).join('; '), facts: { hosts: found } }
}

function described(found: { host: string; setting: string; addresses: string[] }): string {
  const { host, setting, addresses } = found
  const name = setting === 'HTTPS_PROXY' ? `the company proxy ${host}` : host
  return addresses[0] === host ? `${name} is an address already` : `${name} is ${addresses.join(', ')}`
}

async function addressesOf({ host, setting }: Place): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (thrown) {
    throw networkFailure(thrown, `${host} (${setting})`)
  }
}

/** A connection to each host, on whichever of its addresses answers first. */
export async function tcpStep({ settings }: Visit, signal: AbortSignal): Promise<Finding> {
  const reached: { host: string; port: number; address: string }[] = []
  for (const place of nextHopsOf(settings)) reached.push(await reach(place, signal))
  const summary = reached.map(({ address, port }) => `${address} accepts connections on port ${port}`).join('; ')
  return { status: 'ok', summary, facts: { reached } }
}

async function reach({ host, port }: Place, signal: AbortSignal) {
  const socket = connect({ host, port, autoSelectFamily: true })
  try {
    await once(socket, 'connect', { signal })
    return { host, port, address: socket.remoteAddress ?? host }
  } catch (thrown) {
    throw networkFailure(signal.aborted ? signal.reason : thrown, `${host}:${port}`)
  } finally {
    socket.destroy()
  }
}
