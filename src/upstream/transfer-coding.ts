import { ProxyError } from '../errors.ts'

/**
 * Why an answer cannot be passed on although undici reads it: its body is in a transfer coding beside chunks. The field ends here (RFC 9112 §6.1),
 * so the coding would have to be taken off, and the next reader would take the coded bytes for the content.
 */
export function codingProblem(headers: NodeJS.Dict<string | string[]>): ProxyError | undefined {
  // undici gives an array where a field comes more than once, whatever Node's type of this one says.
  const coding = headers['transfer-encoding']
  if (coding === undefined || /^chunked$/i.test(String(coding).trim())) return undefined
  const detail = 'Its Transfer-Encoding is not "chunked" alone.'
  return new ProxyError('PROXY_UPSTREAM_CLOSED', { type: 'http_response_transfer_coding', detail })
}
