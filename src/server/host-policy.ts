import { BlockList, isIP } from 'node:net'
import { sanitised } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { remembered } from '../remembered.ts'

/** Judges the values of all Host fields of a request. */
export type HostPolicy = (hosts: readonly string[]) => Refusal | undefined

const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/
const ALLOWED_HOST = /^(\[[\da-f:.]+\]|(?:\*\.)?[\w-][\w.-]*)(?::(\d{1,5}))?$/

/**
 * Lets pass `localhost` and the loopback addresses with any port, and what is listed: a name, `*.suffix` (any depth below it),
 * either with a port to demand that one. A rebound page sends no Origin, so this check stands alone against it.
 * Throws a RangeError on an entry that is no host.
 */
export function createHostPolicy({ allowedHosts }: { allowedHosts: readonly string[] }): HostPolicy {
  const loopback = loopbackAddresses()
  const allowed = allowedHosts.map(parseAllowed)

  const isServed = remembered((value) => {
    const [, name, port] = HOST.exec(value.toLowerCase()) ?? []
    if (name === undefined) return false
    if (name === 'localhost') return true
    if (isLoopback(name)) return true
    return allowed.some((entry) => entry.matches(name) && (entry.port === undefined || entry.port === port))
  })

  function isLoopback(name: string): boolean {
    const family = addressFamily(name)
    return family !== undefined && loopback.check(name.replace(/^\[|\]$/g, ''), family)
  }

  return (hosts) => {
    const [host] = hosts
    if (host === undefined || host === '') return refusal('missing', 'The request names no host.')
    if (hosts.length > 1) return refusal('repeated', 'The request names more than one host.')
    return isServed(host) ? undefined : refusal('not listed', `It was called as "${sanitised(host)}".`)
  }
}

/** Whether a Host value is a literal address, with or without a port. DNS cannot rebind one: only names can be foreign. */
export function isAddress(host: string): boolean {
  const [, name] = HOST.exec(host.toLowerCase()) ?? []
  return name !== undefined && addressFamily(name) !== undefined
}

/** An IPv6 address outside brackets cannot be told from a name with a port. */
function addressFamily(name: string): 'ipv4' | 'ipv6' | undefined {
  const isBracketed = name.startsWith('[')
  const family = isIP(isBracketed ? name.slice(1, -1) : name)
  if (family === 0 || (family === 6) !== isBracketed) return undefined
  return family === 4 ? 'ipv4' : 'ipv6'
}

function refusal(rule: string, detail: string): Refusal {
  return { code: 'PROXY_HOST_REFUSED', rule: `host ${rule}`, detail }
}

/** BlockList also finds the IPv4-mapped forms, [::ffff:127.0.0.1] and [::ffff:7f00:1]. */
function loopbackAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  return list
}

interface AllowedHost {
  matches: (name: string) => boolean
  port: string | undefined
}

function parseAllowed(entry: string): AllowedHost {
  const [, pattern, port] = ALLOWED_HOST.exec(entry.toLowerCase()) ?? []
  if (pattern === undefined) {
    throw new RangeError('PROXY_ALLOWED_HOSTS takes names such as proxy.example.com, *.example.com or name:8080.')
  }
  if (!pattern.startsWith('*.')) return { matches: (name) => name === pattern, port }
  const suffix = pattern.slice(1)
  return { matches: (name) => name.length > suffix.length && name.endsWith(suffix), port }
}
