import { ruleRefusal, rulesInForce } from './path-policy.ts'
import { recordIdPattern } from './record-ids.ts'
import type { Refusal } from './refusal.ts'

/** Judges the bodies that say which records a deletion is about, by the rules that protect records. */
export interface RecordPolicy {
  /** `text` holds ids. */
  readonly judgeIds: (text: string) => Refusal | undefined
  /** `text` names a type. */
  readonly judgeType: (text: string) => Refusal | undefined
}

/** `allowedPaths`: PROXY_ALLOWED_PATHS, which lifts a rule by its name. */
export function createRecordPolicy(allowedPaths: readonly string[]): RecordPolicy {
  const rules = rulesInForce(allowedPaths).flatMap(({ records, ...rule }) =>
    records === undefined
      ? []
      : {
          refusal: ruleRefusal(rule),
          id: recordIdPattern(records.keyPrefix),
          type: new RegExp(`(?<!\\w)${records.type}(?!\\w)`, 'i'),
        },
  )
  return {
    judgeIds: (text) => rules.find(({ id }) => id.test(text))?.refusal,
    judgeType: (text) => rules.find(({ type }) => type.test(text))?.refusal,
  }
}
