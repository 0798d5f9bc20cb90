/**
 * A login host that gives another token each time. Argument: port. Below /living/N/ it takes 50 ms, its first token lives N seconds and the
 * others as short as they may, so that a proxy refreshes them every eleven seconds; GET /times tells when it was asked for those, and when
 * it answered (epoch milliseconds).
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const SHORT_LIFE_SECONDS = 14
const SLOW_MS = 50

const times: { asked: number; answered: number }[] = []
let count = 0

createServer((request, response) => {
  request.resume()
  if (request.url === '/times') {
    response.end(JSON.stringify(times))
    return
  }
  count += 1
  const token = {
    access_token: `00D000000000001!AQ${String(count).padStart(94, '0')}`,
    token_type: 'Bearer',
    issued_at: String(Date.now()),
  }
  const answer = (body: object) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  const firstLife = /^\/living\/(\d+)\//.exec(request.url ?? '')?.[1]
  if (firstLife === undefined) {
    answer(token)
    return
  }
  const asked = Date.now()
  void sleep(SLOW_MS).then(() => {
    answer({ ...token, expires_in: times.length === 0 ? Number(firstLife) : SHORT_LIFE_SECONDS })
    times.push({ asked, answered: Date.now() })
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
