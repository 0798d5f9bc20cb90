/** The exit codes of `check`: who can mend what it found. */
export const CHECK_EXIT = { settings: 2, network: 3, tls: 4, credentials: 5, permissions: 6 } as const

/** Whom a failure belongs to. */
export type Trouble = keyof typeof CHECK_EXIT

/** What a person can do about it; texts name settings, setup steps and hosts, never a secret. */
export interface Advice {
  /** What to do: the setting, or the step of the setup article (Connected App). */
  readonly fix: string
  /** Where the same knob is in an External Client App; `the same` where it is the same. */
  readonly externalClientApp?: string
  /** What Setup > Login History of the Run As user shows. */
  readonly loginHistory?: string
  /** Each by itself, where there are several. */
  readonly problems?: readonly string[]
  /** What was answered, in the answerer's own words. */
  readonly answered?: string
}

/** What a step found. `note`: the proxy works, but a person should know. */
export interface Finding {
  readonly status: 'ok' | 'note' | 'skipped'
  /** One line. */
  readonly summary: string
  /** For machines. */
  readonly facts?: Readonly<Record<string, unknown>>
  readonly advice?: Advice
}

/** A step that failed: going on makes no sense. */
export class CheckFailure extends Error {
  readonly trouble: Trouble
  readonly summary: string
  readonly advice: Advice
  readonly facts: Readonly<Record<string, unknown>>

  constructor(trouble: Trouble, summary: string, advice: Advice, facts: Readonly<Record<string, unknown>> = {}) {
    super(summary)
    this.name = 'CheckFailure'
    this.trouble = trouble
    this.summary = summary
    this.advice = advice
    this.facts = facts
  }
}
