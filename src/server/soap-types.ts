import type { Readable } from 'node:stream'
import type { Claim } from '../upstream/body-memory.ts'
import { bodyOf } from '../upstream/body-stream.ts'
import { readBody, unreadable } from './judged-body.ts'
import { parseXml, textOf } from './login/xml.ts'
import { MarkupBytes } from './markup-bytes.ts'
import type { Judgement, RecordPolicy } from './record-policy.ts'
import type { Refusal } from './refusal.ts'
import { platformService } from './soap-policy.ts'

/** The platform takes 200 ids at once, or a query of 100,000 characters; and a Header ends within 64 KiB. */
const MOST_BYTES = 1024 * 1024

/**
 * How an operation that says in its body which records it deletes or reads is to be judged; undefined for those that say it elsewhere or
 * not at all. A method of an Apex class may have any name.
 */
export function soapJudgement(operation: string, policyPath: string, records: RecordPolicy): Judgement | undefined {
  if (platformService(policyPath) === undefined) return undefined
  if (/^delete/i.test(operation)) return records.judgeDeletion
  return /^query(?:all)?$/i.test(operation) ? records.judgeQuery : undefined
}

/** Reads an envelope to its end and judges what its text says. Rejects with PROXY_MEMORY_FULL, and with the stream's own error. */
export async function judgeEnvelope(envelope: Readable, claim: Claim, judge: Judgement): Promise<Readable | Refusal> {
  const body = await readBody(envelope, { limitBytes: MOST_BYTES, claim })
  if (body === 'too-large') {
    return unreadable(`The proxy reads this envelope to judge it, and it is larger than ${MOST_BYTES} bytes.`)
  }
  const root = parseXml(new MarkupBytes().push(body).toString())
  if ('problem' in root) return unreadable(`The proxy reads this envelope to judge it, and ${root.problem}.`)
  return judge(textOf(root)) ?? bodyOf([body])
}
