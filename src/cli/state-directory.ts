import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Cli } from './cli.ts'

/**
 * Where the program keeps what it made itself: systemd's StateDirectory=, else the user's own by the XDG rules.
 * A relative XDG_STATE_HOME is to be ignored, they say.
 */
export function stateDirectory({ env }: Pick<Cli, 'env'>): string {
  const { STATE_DIRECTORY: given = '', XDG_STATE_HOME: xdg = '', HOME: home } = env
  // systemd separates several by colons.
  const [first = ''] = given.split(':')
  if (first.startsWith('/')) return first
  const base = xdg.startsWith('/') ? xdg : join(home ?? homedir(), '.local', 'state')
  return join(base, 'cloudaware-proxy')
}
