import { unjudgeableBody } from './judged-body.ts'

/**
 * The job of a Bulk 2.0 request that brings its data along: the first of at most two parts, named `job`, before that named `content`.
 * Readers of multipart bodies differ (preambles, line ends, folded fields), and another could find another job; so whatever is
 * not as plain as clients send it is undefined. Line ends are all CRLF, or all LF, as Salesforce's own walkthrough sends a file.
 */
export function jobPart(body: Buffer, contentType: string): Buffer | undefined {
  // Unquoted, a token; quotes are no part of it, and white space at its end would be anybody's.
  const boundary = /^multipart\//i.test(contentType) ? parameter(contentType, 'boundary') : undefined
  if (boundary === undefined || !/^[\w()+,./:=?-]{1,70}$/.test(boundary)) return undefined
  const delimiter = `--${boundary}`
  // Bytes stay bytes.
  const text = body.toString('latin1')
  const lineEnd = text.startsWith(`${delimiter}\r\n`) ? '\r\n' : '\n'
  // A preamble, two parts, the end, and what would be too much.
  const [preamble, ...sections] = text.split(delimiter, 5)
  const end = sections.pop()
  if (preamble !== '' || end === undefined || !/^--\s*$/.test(end) || sections.length > 2) return undefined
  const [job, content] = sections.map((section) => readPart(section, lineEnd))
  if (job?.name !== 'job' || (lineEnd === '\n' && job.body.includes('\r'))) return undefined
  const isAlone = sections.length === 1 || (content?.name === 'content' && !COULD_BE_JOB.test(content.type))
  return isAlone ? Buffer.from(job.body, 'latin1') : undefined
}

const COULD_BE_JOB = /json|xml|multipart/i

interface Part {
  readonly name: string
  readonly type: string
  readonly body: string
}

const FIELDS = new Set(['content-disposition', 'content-type', 'content-transfer-encoding', 'content-length'])

/** What stands between two delimiters; undefined where it is not as plain as can be. */
function readPart(section: string, lineEnd: string): Part | undefined {
  const blank = section.indexOf(lineEnd.repeat(2))
  if (!section.startsWith(lineEnd) || !section.endsWith(lineEnd) || blank < lineEnd.length) return undefined
  const body = section.slice(blank + 2 * lineEnd.length, -lineEnd.length)
  const fields = new Map<string, string>()
  for (const line of section.slice(lineEnd.length, blank).split(lineEnd)) {
    const [, name = '', value = ''] = /^([\w-]+):([^\r\n]*)$/.exec(line) ?? []
    const known = name.toLowerCase()
    if (!FIELDS.has(known) || fields.has(known)) return undefined
    fields.set(known, value.trim())
  }
  const name = parameter(fields.get('content-disposition') ?? '', 'name')
  const type = fields.get('content-type') ?? ''
  const length = fields.get('content-length') ?? String(body.length)
  const isPlain = /^(?:7bit|8bit|binary)$/i.test(fields.get('content-transfer-encoding') ?? 'binary')
  if (name === undefined || !isPlain || length !== String(body.length)) return undefined
  return unjudgeableBody({ 'content-type': type }) === undefined ? { name, type, body } : undefined
}

/** RFC 9110 §5.6.6, without backslashes; `name*` is RFC 8187's. */
const VALUE_WITH_PARAMETERS = /^[\w.+/-]+(?:[ \t]*;[ \t]*[\w-]+\*?=(?:"[^"\\]*"|[^\s;"\\]+))*$/
const PARAMETER = /;[ \t]*([\w-]+\*?)=(?:"([^"]*)"|([^;\s]+))/g

/** The one parameter whose name begins so; undefined where it is not there under this very name, or not alone. */
function parameter(value: string, name: string): string | undefined {
  if (!VALUE_WITH_PARAMETERS.test(value)) return undefined
  const [one, ...further] = [...value.matchAll(PARAMETER)]
    .map(([, found = '', quoted, token]) => ({ found: found.toLowerCase(), value: quoted ?? token }))
    .filter(({ found }) => found.startsWith(name))
  return one?.found === name && further.length === 0 ? one.value : undefined
}
