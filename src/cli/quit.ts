import { adminAddress } from './admin-address.ts'
import { askAdmin, describeAddress } from './admin-client.ts'
import type { Cli, ExitCode } from './cli.ts'

/** Asks the running proxy to drain and end. Exit codes: 0 it does, 1 it may not be asked that, 3 none answers. */
export async function quit(cli: Cli): Promise<ExitCode> {
  const address = await adminAddress(cli)
  const answer = await askAdmin(address, { path: '/quitquitquit', method: 'POST' })
  if (answer?.status === 200) {
    cli.out(`The proxy at ${describeAddress(address)} is draining, and ends when its last request is answered.\n`)
    return 0
  }
  cli.err(
    answer?.status === 405
      ? 'The proxy does not let itself be ended like this: start it with ADMIN_ALLOW_QUIT=true, or send it SIGTERM.\n'
      : `No cloudaware-proxy answers at ${describeAddress(address)} (ADMIN_HOST, ADMIN_PORT).\n`,
  )
  return answer?.status === 405 ? 1 : 3
}
