import { loadSettings } from '../config.ts'
import { holdKeys } from '../hold-keys.ts'
import type { Cli, ExitCode } from './cli.ts'

/** Runs the proxy until it is stopped. */
export async function serve(cli: Cli): Promise<ExitCode> {
  const settings = loadSettings(cli)
  // On another thread, while all that serves is loaded here.
  const heldKeys = holdKeys(settings)
  const { serveWith } = await import('./serving.ts')
  return serveWith(settings, { cli, heldKeys })
}
