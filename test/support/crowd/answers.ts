export interface Received {
  readonly status: number
  /** By lower-case names; of a name that comes twice the last. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
  /** Its end has come, as its own framing says. */
  readonly isWhole: boolean
}

/**
 * The final answers in what a client received to requests of these methods, each with what has come of it. Throws where the bytes are no
 * HTTP. `hasEnded`: the connection was closed in order, which is the end of a body without a length.
 */
export function readAnswers(bytes: Buffer, methods: readonly string[], hasEnded: boolean): Received[] {
  const answers: Received[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const [first = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1])
    if (!(status >= 100))
      throw new Error(`no status line: ${JSON.stringify(bytes.toString('latin1', Math.max(at - 40, 0), at + 80))}`)
    const fields = new Map(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*:\s*/, '')]),
    )
    at = end + 4
    if (status < 200) continue
    const method = methods[answers.length]
    const isEmpty = method === 'HEAD' || status === 204 || status === 304
    const body = isEmpty ? { bytes: Buffer.alloc(0), at, isWhole: true } : readBody(bytes, at, fields, hasEnded)
    answers.push({ status, fields, body: body.bytes, isWhole: body.isWhole })
    if (!body.isWhole) break
    at = body.at
  }
  return answers
}

interface Body {
  readonly bytes: Buffer
  /** Where it ends. */
  readonly at: number
  readonly isWhole: boolean
}

function readBody(bytes: Buffer, at: number, fields: ReadonlyMap<string, string>, hasEnded: boolean): Body {
  if (fields.get('transfer-encoding') === 'chunked') return readChunks(bytes, at)
  const length = fields.get('content-length')
  if (length === undefined) return { bytes: bytes.subarray(at), at: bytes.length, isWhole: hasEnded }
  const end = at + Number(length)
  return { bytes: bytes.subarray(at, end), at: end, isWhole: end <= bytes.length }
}

function readChunks(bytes: Buffer, start: number): Body {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return { bytes: Buffer.concat(chunks), at, isWhole: false }
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!(size >= 0)) throw new Error(`no chunk size: ${JSON.stringify(bytes.toString('latin1', at, at + 40))}`)
    at = lineEnd + 2
    if (size === 0) {
      // Trailer fields, if any, and the empty line.
      const end = bytes.indexOf('\r\n\r\n', lineEnd)
      return { bytes: Buffer.concat(chunks), at: end + 4, isWhole: end >= 0 }
    }
    chunks.push(bytes.subarray(at, at + size))
    at += size + 2
    if (at > bytes.length) return { bytes: Buffer.concat(chunks), at, isWhole: false }
  }
}
