import { run } from '../../src/cli/run.ts'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { FakeCli } from './fake-cli.ts'

export interface Examined {
  readonly code: number | undefined
  readonly out: string
  /** The step that failed. */
  readonly failed: string | undefined
  /** Status by step. */
  readonly statuses: Readonly<Record<string, string>>
}

export function settingsOf(org: Pick<Emulator, 'url' | 'clientId' | 'clientSecret'>): Record<string, string> {
  return {
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
  }
}

const STATUSES: Readonly<Record<string, string>> = { '✓': 'ok', '!': 'note', '–': 'skipped', '✗': 'failed' }

/** Runs `check` and reads its marks as a person does. */
export async function examine(env: Readonly<Record<string, string>>, ...flags: string[]): Promise<Examined> {
  const cli = new FakeCli(['check', ...flags], { env })
  const code = await run(cli)
  const marks = Array.from(cli.printed.matchAll(/^ {2}([✓!–✗]) (Run As user|\w+)/gm), ([, mark = '', title = '']) => {
    return [title, STATUSES[mark] ?? ''] as const
  })
  const failed = marks.find(([, status]) => status === 'failed')?.[0]
  return { code, out: cli.printed + cli.complained, failed, statuses: Object.fromEntries(marks) }
}
