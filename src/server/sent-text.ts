import { jobPart } from './job-parts.ts'
import { parseXml, textOf } from './login/xml.ts'
import { MarkupBytes } from './markup-bytes.ts'

/** What a new Bulk job says; undefined where it cannot be read for certain. */
export function readJob(body: Buffer, contentType: string): string | undefined {
  // Anywhere: what is XML to us could be parts to whom the rest of the field counts.
  if (!/multipart/i.test(contentType)) return readDocument(body)
  const job = jobPart(body, contentType)
  return job && readDocument(job)
}

/** What a query in a body says: in a document, or in the form that takes the place of a long address. */
export function readQuery(body: Buffer, contentType: string): string | undefined {
  const isForm = /^application\/x-www-form-urlencoded(?![\w-])/i.test(contentType)
  if (!isForm) return readDocument(body)
  const text = decoded(body)
  // Also as it stands: who takes it for JSON all the same finds nothing else in it.
  return text && `${unescapedJson(text)} ${[...new URLSearchParams(text)].flat().join(' ')}`
}

/** The values in JSON or XML, free of escapes. */
function readDocument(bytes: Buffer): string | undefined {
  const text = decoded(bytes)
  if (text === undefined || /^\s*$/.test(text)) return text
  if (/^\s*</.test(text)) {
    const root = parseXml(text)
    return root && textOf(root)
  }
  return isJson(text) ? unescapedJson(text) : undefined
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
