import { codingOf, decoded } from './content-coding.ts'

/** The text of a body in any of the platform's encodings; empty where it cannot be read. No more than `limitBytes` are looked at, before and after decompression. */
export function refusalText(body: Buffer, contentEncoding: string | string[] | undefined, limitBytes: number): string {
  const held = body.subarray(0, limitBytes)
  const bytes = decoded(held, codingOf(contentEncoding), limitBytes) ?? Buffer.alloc(0)
  // UTF-16 shows by its byte order mark, or by the zero beside its first character, which is ASCII in every refusal.
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || second === 0) return new TextDecoder('utf-16le').decode(bytes)
  if ((first === 0xfe && second === 0xff) || first === 0) return new TextDecoder('utf-16be').decode(bytes)
  return new TextDecoder().decode(bytes)
}
