import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CHECK_EXIT } from '../check/finding.ts'
import { runChecks, type StepResult } from '../check/run-checks.ts'
import { systemClock } from '../clock.ts'
import { ConfigError, environmentWarnings, loadSettings, secretsOf, type Settings } from '../config.ts'
import { createRedactor } from '../redaction.ts'
import { caOf } from './ca-file.ts'
import { checkReport, headline, stepText, verdictText, wrongSettings } from './check-text.ts'
import type { Cli, ExitCode } from './cli.ts'
import { parseDuration } from './duration.ts'
import { painter } from './layout.ts'
import { takeFlags } from './own-flags.ts'

/** The doctor: goes the way of a request step by step. Exit codes: 0 fine, else whose the trouble is (CHECK_EXIT). */
export async function check(cli: Cli): Promise<ExitCode> {
  const { own, rest } = takeFlags(cli.argv, { json: 'switch', timeout: 'value' })
  const timeoutMs = parseDuration(own.get('timeout') ?? '20s')
  if (timeoutMs === undefined || timeoutMs === 0) {
    throw new ConfigError(['--timeout must be a duration such as 500ms, 20s or 2m.'])
  }
  const isJson = own.has('json')
  const paint = painter(cli)
  const secrets = new Set<string>()
  const redact = createRedactor(() => secrets)
  const show = (text: string) => {
    cli.out(redact(text))
  }
  const shown: StepResult[] = []
  const tell = (result: StepResult) => {
    shown.push(result)
    if (!isJson) show(stepText(result, paint))
  }
  const settings = settingsOrProblems({ ...cli, argv: rest })
  if (!isJson) show(headline(settings instanceof ConfigError ? undefined : settings.CLOUDAWARE_URL))
  if (settings instanceof ConfigError) {
    tell(wrongSettings(settings.problems))
  } else {
    const { CLOUDAWARE_JWT_KEY_FILE: keyFile } = settings
    const jwtKey = keyFile === undefined ? undefined : readFileSync(resolve(cli.cwd, keyFile), 'utf8')
    const ca = caOf(settings, cli)
    for (const secret of [...secretsOf(settings), ...(jwtKey === undefined ? [] : [jwtKey])]) secrets.add(secret)
    const onSecret = (secret: string) => secrets.add(secret)
    const warnings = environmentWarnings(cli.env)
    const checks = runChecks({ settings, warnings, clock: systemClock, ca, jwtKey, timeoutMs, onSecret })
    for await (const result of checks) tell(result)
  }
  const trouble = shown.at(-1)?.trouble
  const code = trouble === undefined ? 0 : CHECK_EXIT[trouble]
  show(isJson ? `${JSON.stringify(checkReport(shown, code), null, 2)}\n` : verdictText(shown, paint))
  return code
}

/** Wrong settings are a finding, not the end of it. */
function settingsOrProblems(sources: Pick<Cli, 'argv' | 'env' | 'cwd'>): Settings | ConfigError {
  try {
    return loadSettings(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}
