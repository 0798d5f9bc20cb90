import type { Advice } from '../check/finding.ts'
import { STEPS, type StepResult } from '../check/run-checks.ts'
import { rowText, type Paint, type Row, type Style } from './layout.ts'
import { VERSION } from './version.ts'

const MARKS: Readonly<Record<StepResult['status'], readonly [Style, string]>> = {
  ok: ['green', '✓'],
  note: ['yellow', '!'],
  skipped: ['dim', '–'],
  failed: ['red', '✗'],
}

export function headline(url: string | undefined): string {
  return `cloudaware-proxy ${VERSION} check${url === undefined ? '' : `: ${url}`}\n\n`
}

/** The step that reading the settings itself is, where they are wrong. */
export function wrongSettings(problems: readonly string[]): StepResult {
  return {
    name: 'settings',
    title: 'Settings',
    status: 'failed',
    summary: problems.length === 1 ? '1 is wrong' : `${problems.length} are wrong`,
    advice: {
      problems,
      fix: 'Correct config.env, the environment or the flags; --help and config.example.env tell of each.',
    },
    trouble: 'settings',
    ms: 0,
  }
}

/** The mark and the line of a step, and what to do about it. */
export function stepText({ title, status, summary, advice }: StepResult, paint: Paint): string {
  const [style, mark] = MARKS[status]
  const line = rowText({ label: title, text: summary }, { indent: 4, labelWidth: 13 })
  const marked = `  ${paint(style, mark)}${line.slice(3)}`
  const rows = advice === undefined ? [] : adviceRows(advice)
  return marked + rows.map((row) => rowText(row, { indent: 6, labelWidth: 19 })).join('')
}

function adviceRows({ problems = [], answered, fix, externalClientApp, loginHistory }: Advice): Row[] {
  return [
    ...problems.map((problem) => ({ label: 'Wrong', text: problem })),
    ...(answered === undefined ? [] : [{ label: 'Answered', text: answered }]),
    { label: 'To do', text: fix },
    // Where both kinds of app are mended alike, once is enough.
    ...(externalClientApp === undefined || externalClientApp === 'the same'
      ? []
      : [{ label: 'External Client App', text: externalClientApp }]),
    ...(loginHistory === undefined ? [] : [{ label: 'Login History', text: loginHistory }]),
  ]
}

/** The last line: how it ended. */
export function verdictText(results: readonly StepResult[], paint: Paint): string {
  const failed = results.find(({ status }) => status === 'failed')
  if (failed === undefined) return `\n  ${paint('green', 'Everything that a request needs is there.')}\n`
  const untried = untriedOf(results).map(({ title }) => title)
  const rest = untried.length === 0 ? '' : ` Not tried: ${untried.join(', ')}.`
  return `\n  ${paint('red', `It fails at: ${failed.title}.`)}${rest}\n`
}

/** `--json`. */
export function checkReport(results: readonly StepResult[], exitCode: number): object {
  return {
    ok: exitCode === 0,
    exitCode,
    version: VERSION,
    steps: [
      ...results.map(({ name, status, summary, advice, facts, trouble, ms }) => ({
        name,
        status,
        summary,
        trouble,
        advice,
        facts,
        ms,
      })),
      ...untriedOf(results).map(({ name }) => ({ name, status: 'not-tried' })),
    ],
  }
}

function untriedOf(results: readonly StepResult[]) {
  return STEPS.filter(({ name }) => !results.some((result) => result.name === name))
}
