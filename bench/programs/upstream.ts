/** The stand-in for Cloudaware where nginx is not installed, and for streams of any size everywhere. Arguments: port, answer file, [key and certificate]. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

const [port = '0', answerFile = '', identityFile] = process.argv.slice(2)
const answer = readFileSync(answerFile)
const piece = Buffer.alloc(64 * 1024, 'x')

const listener: RequestListener = (request, response) => {
  const [, bytes] = /^\/services\/data\/v67\.0\/stream\/(\d+)/.exec(request.url ?? '') ?? []
  if (bytes !== undefined) {
    let left = Number(bytes)
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes })
    const more = () => {
      while (left > 0) {
        const chunk = left < piece.length ? piece.subarray(0, left) : piece
        left -= chunk.length
        if (!response.write(chunk)) return
      }
      response.off('drain', more)
      response.end()
    }
    response.on('drain', more)
    more()
    return
  }
  // The answer comes when the whole body has: that is what an upload's time means.
  request.resume()
  request.once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', 'content-length': answer.length })
    response.end(answer)
  })
}

const identity = identityFile === undefined ? undefined : readFileSync(identityFile, 'utf8')
const options = { keepAliveTimeout: 600_000 }
const server =
  identity === undefined
    ? createServer(options, listener)
    : createTlsServer({ ...options, key: identity, cert: identity }, listener)
server.listen(Number(port), '127.0.0.1')
