/** fast-proxy with its undici client. Arguments: port, origin. */
import { createServer } from 'node:http'
import fastProxy from 'fast-proxy'

const [port, origin = ''] = process.argv.slice(2)
const forwarder = fastProxy({ base: origin, undici: { connections: 64, pipelining: 1 } })
createServer((request, response) => {
  forwarder.proxy(request, response, request.url ?? '/', {})
}).listen(Number(port), '127.0.0.1')
