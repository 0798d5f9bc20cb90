import { finished, type Readable } from 'node:stream'
import { ProxyError } from '../errors.ts'
import { pushedBody } from './body-stream.ts'
import type { SoapProblem } from './soap-edits.ts'
import type { SoapHead, SoapSession } from './soap-session.ts'

export interface SoapBody {
  readonly body: Readable
  /** What Content-Length, where there is one, grows by: known before the first byte is sent. */
  readonly delta: number
}

/**
 * A SOAP request body with the session in its Header: waits for the head, then streams on as it comes. The source belongs to the result,
 * and ends with it. Rejects with PROXY_REQUEST_INVALID where no session can be placed, and with the source's own error.
 */
export function soapBody(source: Readable, session: SoapSession): Promise<SoapBody> {
  return new Promise((resolve, reject) => {
    let body: Readable | undefined
    const begin = (result: SoapHead | SoapProblem) => {
      if ('problem' in result) {
        reject(new ProxyError('PROXY_REQUEST_INVALID', { detail: result.problem }))
        source.destroy()
        return
      }
      // Reads on where its own reader does, and ends the source with it.
      body = pushedBody(
        () => void source.resume(),
        () => void source.destroy(),
      )
      body.push(result.head)
      resolve({ body, delta: result.delta })
    }
    source.on('data', (chunk: Buffer) => {
      if (body) {
        if (!body.push(chunk)) source.pause()
        return
      }
      const result = session.push(chunk)
      if (result) begin(result)
    })
    finished(source, { writable: false }, (error) => {
      if (error) {
        reject(error)
        body?.destroy(error)
        return
      }
      if (!body) begin(session.end())
      body?.push(null)
    })
  })
}
