import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Cli } from './cli.ts'

/**
 * Where the program keeps what it made itself: systemd's StateDirectory=, else the user's own by the XDG rules.
 * A relative XDG_STATE_HOME is to be ignored, they say.
 */
export function stateDirectory({ env }: Pick<Cli, 'env'>): string {
  const [first = ''] = givenDirectories(env)
  if (first.startsWith('/')) return first
  return usersOwn(env)
}

/** Where instances with PROXY_REUSE_PORT keep their certificate: the last of several in StateDirectory=, else the same directory. */
export function sharedStateDirectory({ env }: Pick<Cli, 'env'>): string {
  const last = givenDirectories(env).at(-1) ?? ''
  return last.startsWith('/') ? last : stateDirectory({ env })
}

/** systemd separates several by colons. */
function givenDirectories({ STATE_DIRECTORY: given = '' }: Cli['env']): string[] {
  return given.split(':')
}

function usersOwn({ XDG_STATE_HOME: xdg = '', HOME: home }: Cli['env']): string {
  const base = xdg.startsWith('/') ? xdg : join(home ?? homedir(), '.local', 'state')
  return join(base, 'cloudaware-proxy')
}
