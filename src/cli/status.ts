import { adminAddress } from './admin-address.ts'
import { askAdmin, describeAddress } from './admin-client.ts'
import type { Cli, ExitCode } from './cli.ts'
import { painter } from './layout.ts'
import { takeFlags } from './own-flags.ts'
import { statusText, verdictOf, type StatusAnswer } from './status-text.ts'

/** Shows how the running proxy is doing. Exit codes: 0 it serves, 1 it is not ready, 3 none answers. */
export async function status(cli: Cli): Promise<ExitCode> {
  const { own, rest } = takeFlags(cli.argv, { json: 'switch' })
  const address = await adminAddress({ ...cli, argv: rest })
  const answer = await askAdmin(address, { path: '/status' })
  if (answer?.status !== 200) {
    cli.err(`No cloudaware-proxy answers at ${describeAddress(address)} (ADMIN_HOST, ADMIN_PORT).\n`)
    return 3
  }
  // What our own admin listener answers.
  const found = answer.body as StatusAnswer
  const verdict = verdictOf(found)
  cli.out(own.has('json') ? `${JSON.stringify(found, null, 2)}\n` : statusText(found, painter(cli)))
  return verdict === 'ready' || verdict === 'degraded' ? 0 : 1
}
