import { connect } from 'node:net'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** What every upload announces, of which its sender gets no further than SENT_BYTES. */
const ANNOUNCED_BYTES = 900_000
const SENT_BYTES = 60_000

export interface Upload {
  readonly name: string
  readonly requestLine: string
  readonly fields: readonly string[]
  /** The beginning of its body. */
  readonly begun: Buffer
}

const V = '/services/data/v62.0'
const SOAP = '/services/Soap/u/62.0'
const filler = 'x'.repeat(ANNOUNCED_BYTES)
// No compression of it is shorter.
const noise = randomBytes(ANNOUNCED_BYTES).toString('base64')
const inHeader = (text: string, operation: string) =>
  `<Envelope><Header><!--${text}--></Header><Body><${operation}/></Body></Envelope>`
const inBody = (text: string, operation: string) =>
  `<Envelope><Header/><Body><${operation}><a>${text}</a></${operation}></Body></Envelope>`

function upload(requestLine: string, body: string | Buffer = filler, ...fields: string[]): Upload {
  const length = fields.some((field) => field.startsWith('Transfer-Encoding'))
    ? []
    : [`Content-Length: ${ANNOUNCED_BYTES}`]
  const name = [requestLine, ...fields].join(' ')
  return { name, requestLine, fields: [...length, ...fields], begun: Buffer.from(body).subarray(0, SENT_BYTES) }
}

/** An upload of every family, each way of framing it, and each way in which the proxy itself reads it. */
export const UPLOADS: readonly Upload[] = [
  upload(`POST ${V}/sobjects/A`),
  upload(`PUT ${V}/sobjects/A`),
  upload(`PATCH ${V}/sobjects/A/1`),
  upload(`DELETE ${V}/sobjects/A/1`),
  upload(`GET ${V}/sobjects/A`),
  upload(`POST ${V}/sobjects/A`, filler, 'Expect: 100-continue'),
  upload(`POST ${V}/sobjects/A`, `${ANNOUNCED_BYTES.toString(16)}\r\n${filler}`, 'Transfer-Encoding: chunked'),
  upload('POST /services/apexrest/A'),
  upload('POST /cometd/62.0'),
  upload(`PUT ${V}/jobs/ingest/750000000000001/batches`, filler, 'Content-Type: text/csv'),
  upload('POST /services/async/62.0/job/750000000000001/batch', filler, 'Content-Type: text/csv'),
  // Judged by the whole of it.
  upload(`POST ${V}/jobs/ingest`, `{"object":"${filler}`, 'Content-Type: application/json'),
  upload('POST /services/async/62.0/job', `<jobInfo><object>${filler}`, 'Content-Type: application/xml'),
  upload(`POST ${V}/composite`, `{"compositeRequest":[],"a":"${filler}`, 'Content-Type: application/json'),
  upload(`POST ${V}/composite/batch`, `{"batchRequests":[],"a":"${filler}`, 'Content-Type: application/json'),
  // Judged by its beginning, which is found or not.
  upload(`POST ${SOAP}`, inBody(filler, 'create')),
  upload(`POST ${SOAP}`, inHeader(filler, 'create')),
  upload(`POST ${SOAP}`, inBody(filler, 'query')),
  upload(`POST ${SOAP}`, inBody(filler, 'delete')),
  upload(`POST ${SOAP}`, inBody(filler, 'deploy')),
  upload(`POST ${SOAP}`, gzipSync(inBody(noise, 'create')), 'Content-Encoding: gzip'),
  upload(`POST ${SOAP}`, gzipSync(inBody(noise, 'query')), 'Content-Encoding: gzip'),
  upload(
    `POST ${SOAP}`,
    Buffer.concat([gzipSync('<Envelope>').subarray(0, 15), Buffer.from(noise)]),
    'Content-Encoding: gzip',
  ),
  // Answered by the proxy.
  upload(`POST ${SOAP}`, inBody(filler, 'login')),
  upload(`POST ${SOAP}`, gzipSync(inBody(noise, 'login')), 'Content-Encoding: gzip'),
  upload('POST /services/oauth2/token', `grant_type=password&password=${filler}`),
  upload('POST /services/oauth2/token', filler, 'Content-Type: application/json'),
]

/** How a sender leaves: so many turns of the event loop after its last byte, by FIN or by RST. */
export interface Leaving {
  readonly turns: number
  readonly by: 'FIN' | 'RST'
}

/** Begins an upload and leaves in the middle of it. Resolves when the connection is gone. */
export async function beginAndLeave(port: number, { requestLine, fields, begun }: Upload, { turns, by }: Leaving) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'connect')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(`${[`${requestLine} HTTP/1.1`, 'Host: localhost', ...fields].join('\r\n')}\r\n\r\n`)
  socket.write(begun)
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
  if (by === 'RST') socket.resetAndDestroy()
  else socket.destroy()
  await closed
}
