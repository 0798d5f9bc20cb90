import { Readable } from 'node:stream'
import type { Claim } from '../upstream/body-memory.ts'
import { readBody, unreadable } from './judged-body.ts'
import { parseXml, textOf } from './login/xml.ts'
import { MarkupBytes } from './markup-bytes.ts'
import type { RecordPolicy } from './record-policy.ts'
import type { Refusal } from './refusal.ts'
import { platformService } from './soap-policy.ts'

/** The platform takes 200 ids at once: with their tags some 16 KiB, and a Header ends within 64 KiB. */
const MOST_BYTES = 256 * 1024

/** Whether this operation deletes records by the ids in it. A method of an Apex class may have any name. */
export function isDeletion(operation: string, policyPath: string): boolean {
  return operation.toLowerCase().startsWith('delete') && platformService(policyPath) !== undefined
}

/** Reads a deletion to its end and judges the records that it is about. Rejects with PROXY_MEMORY_FULL, and with the stream's own error. */
export async function judgeDeletion(
  envelope: Readable,
  claim: Claim,
  records: RecordPolicy,
): Promise<Readable | Refusal> {
  const body = await readBody(envelope, { limitBytes: MOST_BYTES, claim })
  if (body === 'too-large') {
    return unreadable(`The proxy reads a deletion to judge its ids, and this one is larger than ${MOST_BYTES} bytes.`)
  }
  const root = parseXml(new MarkupBytes().push(body).toString())
  if (root === undefined)
    return unreadable('The proxy reads a deletion to judge its ids, and it is no well-formed XML.')
  const text = textOf(root)
  return records.judgeIds(text) ?? records.judgeType(text) ?? Readable.from([body], { objectMode: false })
}
