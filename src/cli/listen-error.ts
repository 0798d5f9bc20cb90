import type { Settings } from '../config.ts'
import { SocketError } from '../server/unix-socket.ts'

const PORTS = ['PROXY_PORT', 'PROXY_TLS_PORT', 'ADMIN_PORT'] as const

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use. Choose another port, or 0 for any free one.',
  EACCES: 'may not be used by this user. Choose a port above 1023, or 0 for any free one.',
  EADDRNOTAVAIL: 'cannot be used: the address belongs to no interface of this machine.',
}

/** SO_REUSEPORT is for processes of one user that all ask for it, and not on every system. */
const SHARING_REASONS: typeof REASONS = {
  EADDRINUSE: "is in use by a process without PROXY_REUSE_PORT, or by another user's. Stop it, or choose another port.",
  ENOTSUP:
    'cannot be shared: this system has no SO_REUSEPORT that spreads connections. Leave out PROXY_REUSE_PORT, or give each instance a port.',
}

/** One line naming the setting where the error is about listening, else undefined. */
export function explainListenError(error: unknown, settings: Settings): string | undefined {
  if (error instanceof SocketError) return error.message
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return undefined
  const code = String(error.code)
  const name = PORTS.find((candidate) => settings[candidate] === error.port)
  const isSharing = settings.PROXY_REUSE_PORT && name !== 'ADMIN_PORT'
  const reason = (isSharing ? SHARING_REASONS[code] : undefined) ?? REASONS[code]
  if (reason === undefined || name === undefined) return undefined
  const host = name === 'ADMIN_PORT' ? settings.ADMIN_HOST : settings.PROXY_HOST
  return `${name}: port ${String(error.port)} on ${host} ${reason}`
}
