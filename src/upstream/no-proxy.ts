import { BlockList, isIP } from 'node:net'
import { isLoopback } from '../token/instance-url.ts'

/**
 * Whether a host is reached directly although there is a company proxy. `noProxy` is NO_PROXY as curl, Go and undici read it, entries between
 * commas or spaces: `name` and `.name` are the domain and all below it, `*.name` only what is below it, `*` everything, `name:port` that port
 * alone, an address or a CIDR block itself. Loopback is always direct: no proxy could reach it.
 * The test takes the host as URL.hostname spells it, with or without brackets, and its port.
 */
export function noProxyRule(noProxy: string): (hostname: string, port: number) => boolean {
  const rules = noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(ruleOf)
  return (hostname, port) => {
    const host = withoutBrackets(hostname.toLowerCase()).replace(/(?<=.)\.$/, '')
    if (isLoopback(host.includes(':') ? `[${host}]` : host)) return true
    return rules.some((rule) => rule(host, port))
  }
}

type Rule = (host: string, port: number) => boolean

function ruleOf(entry: string): Rule {
  if (entry.includes('/')) return blockRule(entry)
  const onlyPort = /^(?:\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry)?.[1]
  const name = onlyPort === undefined ? entry : entry.slice(0, -onlyPort.length - 1)
  const pattern = withoutBrackets(name).replace(/(?<=.)\.$/, '')
  const fits = hostRule(pattern)
  return (host, port) => fits(host) && (onlyPort === undefined || Number(onlyPort) === port)
}

function hostRule(pattern: string): (host: string) => boolean {
  if (pattern === '*') return () => true
  const domain = pattern.replace(/^\*?\./, '')
  const isItself = !pattern.startsWith('*')
  return (host) => (isItself && host === domain) || (isIP(host) === 0 && host.endsWith(`.${domain}`))
}

/** A block that makes no sense fits nothing: NO_PROXY is shared with programs that may read it otherwise. */
function blockRule(entry: string): Rule {
  const [address = '', bits = ''] = entry.split('/')
  const block = new BlockList()
  try {
    block.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  } catch {
    return () => false
  }
  return (host) => isIP(host) !== 0 && block.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
