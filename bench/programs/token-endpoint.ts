/** A login host that takes 50 ms and gives another token each time. Argument: port. */
import { createServer } from 'node:http'

let count = 0
createServer((request, response) => {
  request.resume()
  setTimeout(() => {
    count += 1
    const accessToken = `00D000000000001!AQ${String(count).padStart(94, '0')}`
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: accessToken, token_type: 'Bearer', issued_at: String(Date.now()) }))
  }, 50)
}).listen(Number(process.argv[2]), '127.0.0.1')
