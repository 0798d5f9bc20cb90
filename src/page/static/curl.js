/** @import { ExchangeDetail } from '../../inspector/wire.ts' */

/** Written anew by curl or by the proxy. */
const LEFT_OUT = new Set(['via', 'host', 'content-length', 'transfer-encoding', 'connection', 'x-request-id'])

/**
 * The command that sends this exchange's request to the proxy again: for sh and what understands it, one argument a line.
 * Whatever somebody sent stays inside single quotes.
 * @param {ExchangeDetail} exchange
 * @param {{ url: string, asksForKey: boolean }} proxy
 * @returns {string}
 */
export function toCurl(exchange, { url, asksForKey }) {
  const { method, target, requestBody } = exchange
  const fields = (exchange.requestHeaders ?? []).filter(([name]) => !LEFT_OUT.has(name.toLowerCase()))
  const hasBody = requestBody.kind !== 'none'
  const parts = [quoted(url + target)]
  if (/[[\]{}]/.test(target)) parts.push('--globoff')
  if (method === 'HEAD') parts.push('--head')
  else if (method !== (hasBody ? 'POST' : 'GET')) parts.push(`--request ${quoted(method)}`)
  for (const [name, value] of fields) {
    const isAgent = name.toLowerCase() === 'user-agent'
    const sent = isAgent ? value.replace(/ ?cloudaware-proxy\/[^\s/]+$/, '') : value
    if (isAgent && sent === '') continue
    // curl sends a field without a value only where a semicolon stands for the colon.
    parts.push(`--header ${quoted(sent === '' ? `${name};` : `${name}: ${sent}`)}`)
  }
  if (hasBody && !fields.some(([name]) => name.toLowerCase() === 'content-type')) {
    // Else curl would call it a form.
    parts.push(`--header ${quoted('Content-Type:')}`)
  }
  if (fields.some(([name]) => name.toLowerCase() === 'accept-encoding')) parts.push('--compressed')
  if (asksForKey) parts.push('--header "X-Api-Key: $PROXY_API_KEY"')
  const { data, remark } = bodyOf(requestBody)
  parts.push(...data)
  return `${remark}curl ${parts.join(' \\\n  ')}`
}

/**
 * @param {ExchangeDetail['requestBody']} body
 * @returns {{ data: string[], remark: string }}
 */
function bodyOf(body) {
  const fromFile = ["--data-binary '@body'"]
  switch (body.kind) {
    case 'none':
      return { data: [], remark: '' }
    case 'unasked':
      return { data: fromFile, remark: `# Its body (${body.bytes} bytes) was not kept: put it into the file "body".\n` }
    case 'binary':
      return { data: fromFile, remark: `# Its body (${body.bytes} bytes) is binary: put it into the file "body".\n` }
    case 'text': {
      // Pasted into a terminal, some of them are keys: an escape could end the paste, a return run what came so far.
      if (/[^\P{Cc}\t\n]/u.test(body.text)) {
        return {
          data: fromFile,
          remark: `# Its body (${body.bytes} bytes) holds control characters: put it into the file "body".\n`,
        }
      }
      if (body.coding !== null) {
        return { data: fromFile, remark: `# Its body was sent as ${body.coding}: put it into the file "body".\n` }
      }
      const remarks = [
        ...(body.isCut ? ['# Only the beginning of its body was kept.\n'] : []),
        ...(body.isRedacted ? ['# Credentials in its body were not kept.\n'] : []),
      ]
      return { data: [`--data-raw ${quoted(body.text)}`], remark: remarks.join('') }
    }
  }
}

/**
 * Literally, whatever it holds: nothing has a meaning between single quotes but the next one.
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}
