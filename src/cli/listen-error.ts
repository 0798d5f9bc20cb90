import type { Settings } from '../config.ts'
import { SocketError } from '../server/unix-socket.ts'

const PORTS = ['PROXY_PORT', 'PROXY_TLS_PORT', 'ADMIN_PORT'] as const

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use. Choose another port, or 0 for any free one.',
  EACCES: 'may not be used by this user. Choose a port above 1023, or 0 for any free one.',
  EADDRNOTAVAIL: 'cannot be used: the address belongs to no interface of this machine.',
}

/** One line naming the setting where the error is about listening, else undefined. */
export function explainListenError(error: unknown, settings: Settings): string | undefined {
  if (error instanceof SocketError) return error.message
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return undefined
  const reason = REASONS[String(error.code)]
  const name = PORTS.find((candidate) => settings[candidate] === error.port)
  if (reason === undefined || name === undefined) return undefined
  const host = name === 'ADMIN_PORT' ? settings.ADMIN_HOST : settings.PROXY_HOST
  return `${name}: port ${String(error.port)} on ${host} ${reason}`
}
