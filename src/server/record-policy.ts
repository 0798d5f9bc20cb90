import { ruleRefusal, rulesInForce } from './path-policy.ts'
import { recordIdPattern, typePattern } from './record-names.ts'
import type { Refusal } from './refusal.ts'

/** Judges the bodies that say which records something is done to, by the rules that protect records. `text` is free of escapes. */
export interface RecordPolicy {
  /** Records that are deleted, by their ids or their type. */
  readonly judgeDeletion: Judgement
  /** The type of record of a Bulk job. */
  readonly judgeJob: Judgement
  readonly judgeQuery: Judgement
}

export type Judgement = (text: string) => Refusal | undefined

/** `allowedPaths`: PROXY_ALLOWED_PATHS, which lifts a rule by its name. */
export function createRecordPolicy(allowedPaths: readonly string[]): RecordPolicy {
  const rules = rulesInForce(allowedPaths)
  const judge =
    (patternsOf: (rule: (typeof rules)[number]) => readonly RegExp[]): Judgement =>
    (text) => {
      const rule = rules.find((row) => patternsOf(row).some((pattern) => pattern.test(text)))
      return rule && ruleRefusal(rule)
    }
  return {
    judgeDeletion: judge(({ records }) =>
      records === undefined ? [] : [recordIdPattern(records.keyPrefix), typePattern(records.type)],
    ),
    judgeJob: judge(({ records, unreadable = records?.type }) =>
      unreadable === undefined ? [] : [typePattern(unreadable)],
    ),
    judgeQuery: judge(({ unreadable }) => (unreadable === undefined ? [] : [typePattern(unreadable)])),
  }
}
