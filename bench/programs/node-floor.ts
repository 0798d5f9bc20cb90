/** What any proxy on Node costs at least: node:http and undici's dispatch straight into the answer, nothing else. Arguments: port, origin, [CA file]. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Pool, type Dispatcher } from 'undici'

const [port, origin = '', caFile] = process.argv.slice(2)
const pool = new Pool(origin, {
  connections: 64,
  pipelining: 1,
  allowH2: false,
  connect: caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') },
})

createServer((request, response) => {
  const { headers } = request
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: request.method as Dispatcher.HttpMethod,
      headers,
      body: hasBody ? request : null,
    },
    {
      onRequestStart: () => undefined,
      onResponseStart(_controller, status, fields, text) {
        response.writeHead(status, text, fields)
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return
        controller.pause()
        response.once('drain', () => {
          controller.resume()
        })
      },
      onResponseEnd() {
        response.end()
      },
      onResponseError(_controller, error) {
        response.destroy(error)
      },
    },
  )
}).listen(Number(port), '127.0.0.1')
