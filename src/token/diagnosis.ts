/** What a failed token request means to the person who can mend it. Holds no secret, and no text of the endpoint's but host names. */
export interface Diagnosis {
  /** Stable name of the row. */
  readonly code: string
  /** What is wrong, one sentence: what callers are told. */
  readonly summary: string
  /** What to do: the step of the setup article (Connected App) as its pages name it, or the setting. */
  readonly fix: string
  /** Where the same knob is in an External Client App. */
  readonly externalClientApp: string
  /** What Setup > Login History of the Run As user shows. */
  readonly loginHistory: string
}
