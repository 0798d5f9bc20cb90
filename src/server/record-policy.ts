import type { DeniedPath } from './denied-paths.ts'
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
  const judge = (patternsOf: (rule: DeniedPath) => readonly RegExp[]): Judgement => {
    const rows = rules.map((rule) => ({ rule, patterns: patternsOf(rule) }))
    return (text) => {
      const row = rows.find(({ patterns }) => patterns.some((pattern) => pattern.test(text)))
      return row && ruleRefusal(row.rule)
    }
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
