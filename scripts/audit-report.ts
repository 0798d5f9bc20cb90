export interface AuditVerdict {
  readonly exitCode: 0 | 1
  /** For people, one line each. */
  readonly lines: readonly string[]
}

interface Finding {
  readonly severity?: string
  readonly range?: string
  readonly via?: readonly (string | { readonly title?: string; readonly url?: string })[]
}

/** What `npm audit --json` prints: findings by package; or, where the registry could not be asked, a message. */
interface AuditOutput {
  readonly auditReportVersion?: number
  readonly vulnerabilities?: Readonly<Record<string, Finding>>
  readonly message?: string
  readonly error?: { readonly summary?: string; readonly code?: string }
}

/** A finding fails, whatever its severity. Not being able to ask does not, and is said plainly: offline machines build too. */
export function judgeAudit(printed: string): AuditVerdict {
  const output = parsed(printed)
  if (output?.auditReportVersion === undefined) {
    const reason = output?.message ?? output?.error?.summary ?? output?.error?.code ?? 'npm printed no report'
    return { exitCode: 0, lines: [`audit endpoint unreachable, so nothing is known of the dependencies: ${reason}`] }
  }
  const findings = Object.entries(output.vulnerabilities ?? {})
  if (findings.length === 0)
    return { exitCode: 0, lines: ['npm audit: no known vulnerability in what the program runs on'] }
  return {
    exitCode: 1,
    lines: findings.map(([name, { severity, range, via = [] }]) => {
      const causes = via.map((cause) => (typeof cause === 'string' ? cause : `${cause.title ?? ''} ${cause.url ?? ''}`))
      return `${name} ${range ?? ''}: ${severity ?? 'unknown severity'}: ${causes.join('; ')}`
    }),
  }
}

function parsed(printed: string): AuditOutput | undefined {
  try {
    return JSON.parse(printed) as AuditOutput // each field is looked at before it is used
  } catch {
    return undefined
  }
}
