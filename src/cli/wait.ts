import { systemClock } from '../clock.ts'
import { ConfigError } from '../config-error.ts'
import type { Diagnosis } from '../token/diagnosis.ts'
import { adminAddress } from './admin-address.ts'
import { askAdmin, describeAddress, type AdminAnswer } from './admin-client.ts'
import type { Cli, ExitCode } from './cli.ts'
import { inWords, parseDuration } from './duration.ts'
import { takeFlags } from './own-flags.ts'

const INTERVAL_MS = 200

/** Waits until the running proxy is ready. Exit codes: 0 it is, 1 it answers but is not ready in time, 3 none answers in time. */
export async function wait(cli: Cli): Promise<ExitCode> {
  const { own, rest } = takeFlags(cli.argv, { max: 'value' })
  const maxMs = parseDuration(own.get('max') ?? '30s')
  if (maxMs === undefined) throw new ConfigError(['--max must be a duration such as 500ms, 30s or 2m.'])
  const address = await adminAddress({ ...cli, argv: rest })
  const until = systemClock.monotonic() + maxMs
  let answer: AdminAnswer | undefined
  for (;;) {
    const leftMs = until - systemClock.monotonic()
    const now = await askAdmin(address, { path: '/readyz', timeoutMs: Math.max(Math.ceil(leftMs), INTERVAL_MS) })
    if (now?.status === 200) return 0
    answer = now ?? answer
    if (until - systemClock.monotonic() <= 0) break
    await systemClock.sleep(Math.min(INTERVAL_MS, until - systemClock.monotonic()))
  }
  cli.err(
    `Not ready after ${inWords(maxMs / 1000)}. ${answer ? await whyNot(answer) : nobodyAt(describeAddress(address))}`,
  )
  return answer ? 1 : 3
}

function nobodyAt(address: string): string {
  return `No cloudaware-proxy answers at ${address} (ADMIN_HOST, ADMIN_PORT).\n`
}

async function whyNot({ body }: AdminAnswer): Promise<string> {
  const { diagnosisRows, rowText } = await import('./layout.ts')
  // What our own admin listener answers.
  const { reason, diagnosis } = body as { reason?: string; diagnosis?: Diagnosis }
  const rows = diagnosis === undefined ? [] : diagnosisRows(diagnosis)
  return `${reason ?? 'It does not say why.'}\n${rows.map((row) => rowText(row, { indent: 2, labelWidth: 19 })).join('')}`
}
