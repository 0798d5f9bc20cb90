/** A login host that gives another token each time; below /slow/ it takes 50 ms. Argument: port. */
import { createServer } from 'node:http'

let count = 0
createServer((request, response) => {
  request.resume()
  const isSlow = request.url?.startsWith('/slow/') === true
  const answer = () => {
    count += 1
    const accessToken = `00D000000000001!AQ${String(count).padStart(94, '0')}`
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: accessToken, token_type: 'Bearer', issued_at: String(Date.now()) }))
  }
  if (isSlow) setTimeout(answer, 50)
  else answer()
}).listen(Number(process.argv[2]), '127.0.0.1')
