import { jobPart } from './job-parts.ts'
import { formFields, hasManyFields, MAX_FIELDS } from '../form-fields.ts'
import { isTooDeep, MAX_JSON_DEPTH } from '../json-depth.ts'
import { parseXml, textOf } from './login/xml.ts'
import { MarkupBytes } from './markup-bytes.ts'

/** Why the text of a body cannot be judged: a sentence without input. */
export interface UnreadText {
  readonly problem: string
}

const UNREADABLE: UnreadText = {
  problem:
    'The proxy reads this body to judge it: it takes JSON or XML in UTF-8 or UTF-16, and for a Bulk 2.0 job with its data the plain form of two parts, job and content.',
}

/** What a new Bulk job says; a problem where it cannot be read for certain. */
export function readJob(body: Buffer, contentType: string): string | UnreadText {
  // Anywhere: what is XML to us could be parts to whom the rest of the field counts.
  if (!/multipart/i.test(contentType)) return readDocument(body)
  const job = jobPart(body, contentType)
  return job === undefined ? UNREADABLE : readDocument(job)
}

/** What a query in a body says: in a document, or in the form that takes the place of a long address. */
export function readQuery(body: Buffer, contentType: string): string | UnreadText {
  const isForm = /^application\/x-www-form-urlencoded(?![\w-])/i.test(contentType)
  if (!isForm) return readDocument(body)
  const text = decoded(body)
  if (text === undefined) return UNREADABLE
  if (hasManyFields(text)) {
    return { problem: `The proxy reads this form to judge it, and it has more than ${MAX_FIELDS} fields.` }
  }
  // Also as it stands: who takes it for JSON all the same finds nothing else in it.
  return `${unescapedJson(text)} ${[...formFields(text)].flat().join(' ')}`
}

/** The values in JSON or XML, free of escapes. */
function readDocument(bytes: Buffer): string | UnreadText {
  const text = decoded(bytes)
  if (text === undefined) return UNREADABLE
  if (/^\s*$/.test(text)) return text
  if (/^\s*</.test(text)) {
    const root = parseXml(text)
    return 'problem' in root ? { problem: `${UNREADABLE.problem} As it is, ${root.problem}.` } : textOf(root)
  }
  if (isTooDeep(text)) {
    return { problem: `The proxy reads this body to judge it, and it nests more than ${MAX_JSON_DEPTH} levels deep.` }
  }
  return isJson(text) ? unescapedJson(text) : UNREADABLE
}

/** Strictly: some readers take letters that are written in more bytes than UTF-8 allows. */
function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.length < 3 ? bytes : new MarkupBytes().push(bytes))
  } catch {
    return undefined
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The text rather than the parsed value: of a member that is named twice, both count. */
function unescapedJson(text: string): string {
  return text.replace(/\\u([\da-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
