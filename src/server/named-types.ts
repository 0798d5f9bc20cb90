import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import type { Claim } from '../upstream/body-memory.ts'
import { bodyOf } from '../upstream/body-stream.ts'
import type { HeaderFields } from './effective-method.ts'
import { readBody, unjudgeableBody, unreadable } from './judged-body.ts'
import { compilePattern } from './path-pattern.ts'
import { takesQuery } from './record-names.ts'
import type { Judgement, RecordPolicy } from './record-policy.ts'
import type { Refusal } from './refusal.ts'
import { readJob, readQuery } from './sent-text.ts'

const CREATIONS = ['/services/data/*/jobs/ingest', '/services/async/*/job'].map(compilePattern)

/** A job names its type of record where it is created; a Bulk 2.0 one may have up to 100,000 characters of data behind it. So many has a query. */
const MOST_BYTES = 1024 * 1024

/** How the body of a write on this policy path is to be judged that names types of records: a new Bulk job, or a query. */
export function bodyJudgement(policyPath: string, records: RecordPolicy): Judgement | undefined {
  if (takesQuery(policyPath)) return records.judgeQuery
  return CREATIONS.some((matches) => matches(policyPath)) ? records.judgeJob : undefined
}

/** Why a body with these headers cannot be judged; undefined where it can. */
export function unjudgeableText(headers: HeaderFields): Refusal | undefined {
  return unjudgeableBody(
    DECODERS.has(codingOf(headers)) ? { ...headers, 'content-encoding': undefined } : headers,
    true,
  )
}

interface SentText {
  readonly policyPath: string
  readonly body: Readable
  readonly headers: HeaderFields
  readonly claim: Claim
}

/** Judges what a body says, in each form that the platform takes it in. The same bytes go on, and nothing that could not be read. */
export async function judgeText(sent: SentText, judge: Judgement): Promise<Readable | Refusal> {
  const { policyPath, body, headers, claim } = sent
  const bytes = await readBody(body, { limitBytes: MOST_BYTES, claim })
  if (bytes === 'too-large') {
    return unreadable(`The proxy reads this body to judge it, and it is larger than ${MOST_BYTES} bytes.`)
  }
  const plain = await decompressed(bytes, codingOf(headers))
  const read = takesQuery(policyPath) ? readQuery : readJob
  if (plain === undefined)
    return unreadable(
      'The proxy reads this body to judge it, and it is not what its Content-Encoding says, or too large.',
    )
  const text = read(plain, String(headers['content-type'] ?? '').trim())
  if (typeof text !== 'string') return unreadable(text.problem)
  return judge(text) ?? bodyOf([bytes])
}

function codingOf(headers: HeaderFields): string {
  return String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
}

type Decode = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>

// Named only when they are used, so that zlib need not be loaded before.
const gunzipped: Decode = (bytes, options) => promisify<Buffer, ZlibOptions, Buffer>(gunzip)(bytes, options)
const inflated: Decode = (bytes, options) => promisify<Buffer, ZlibOptions, Buffer>(inflate)(bytes, options)
/** Salesforce's Java client, and with it Data Loader, compresses what it sends. */
const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', gunzipped],
  ['x-gzip', gunzipped],
  ['deflate', inflated],
])

/** Undefined where it is none such, or far too large. */
async function decompressed(bytes: Buffer, coding: string): Promise<Buffer | undefined> {
  const decode = DECODERS.get(coding)
  return decode === undefined ? bytes : decode(bytes, { maxOutputLength: MOST_BYTES }).catch(() => undefined)
}
