import { readFile } from 'node:fs/promises'
import { SocketAddress, type Socket } from 'node:net'
import { endianness } from 'node:os'

/** Linux lists the TCP sockets of this network namespace here, those of IPv6 in the second one. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

/**
 * Which of these connections come from this machine, from a process that has closed its socket or has ended. A process that only half-closed
 * its socket still owns it; without an owner the kernel lists it under inode 0. Empty where nothing is known: other systems, other machines.
 */
export async function closedPeers(sockets: readonly Socket[]): Promise<readonly Socket[]> {
  const byPorts = Map.groupBy(sockets, ({ remotePort = 0, localPort = 0 }) => `${hex(remotePort)} ${hex(localPort)}`)
  const closed: Socket[] = []
  for (const path of TABLES) {
    const table = await readFile(path, 'latin1').catch(() => '')
    for (const line of table.split('\n')) {
      const entry = entryOf(line)
      const found = byPorts.get(`${entry.local.slice(-4)} ${entry.remote.slice(-4)}`)
      if (found !== undefined && isOrphan(line)) closed.push(...found.filter((socket) => isPeer(entry, socket)))
    }
  }
  return closed
}

const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')

interface Entry {
  /** Address and port as the kernel prints them. */
  readonly local: string
  readonly remote: string
}

/** `sl: local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`, see proc_pid_net(5). */
function entryOf(line: string): Entry {
  const start = line.indexOf(': ') + 2
  const middle = line.indexOf(' ', start)
  return { local: line.slice(start, middle), remote: line.slice(middle + 1, line.indexOf(' ', middle + 1)) }
}

function isOrphan(line: string): boolean {
  return line.trim().split(/ +/)[9] === '0'
}

/** The entry is that of the other end. */
function isPeer({ local, remote }: Entry, { remoteAddress = '', localAddress = '' }: Socket): boolean {
  return addressIn(local) === plain(remoteAddress) && addressIn(remote) === plain(localAddress)
}

/** The kernel prints addresses as 32-bit words in the machine's own byte order. */
function addressIn(endpoint: string): string {
  const bytes = Buffer.from(endpoint.slice(0, -5), 'hex')
  if (endianness() === 'LE') bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const groups = bytes.toString('hex').match(/.{4}/g) ?? []
  return plain(new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address)
}

/** IPv4 through an IPv6 socket is IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
