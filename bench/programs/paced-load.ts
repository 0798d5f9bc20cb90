/**
 * Requests at a steady rate, whatever the answers do, each on a free connection: a slow answer holds up none of the next.
 * Arguments: port, requests a second, how many. Prints JSON: for each request when it was sent (epoch milliseconds), and how long
 * its answer took. Sockets and bytes only, and nothing is made for a request, so that what is measured is not this program.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { API_KEY } from '../contestants.ts'
import { pathOf } from '../load.ts'

const [port = 0, perSecond = 0, count = 0] = process.argv.slice(2).map(Number)
const CONNECTIONS = 8
const LAST_ANSWER_MS = 5000

const sentAt = new Float64Array(count)
const took = new Float64Array(count)
const requests = Array.from({ length: 512 }, (_, n) =>
  Buffer.from(
    `GET ${pathOf(n)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: bench/1.0\r\nX-Api-Key: ${API_KEY}\r\n\r\n`,
  ),
)
/** In turn, so that none is idle for long. */
const idle: Lane[] = []
let answered = 0

/** One kept-alive connection with one request at a time, whose answers all state their length. */
class Lane {
  readonly socket: Socket
  #request = 0
  #received = 0
  #expected = 0

  constructor() {
    const onread = {
      buffer: Buffer.alloc(2 ** 16),
      callback: (bytes: number, buffer: Uint8Array) => {
        this.#read(buffer as Buffer, bytes)
        return true
      },
    }
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.socket.on('close', () => {
      if (answered < count) throw new Error('a connection was closed')
    })
  }

  ask(request: number): void {
    this.#request = request
    this.#received = 0
    sentAt[request] = performance.now()
    this.socket.write(requests[request % requests.length] ?? '')
  }

  #read(buffer: Buffer, bytes: number): void {
    if (this.#received === 0) this.#expected = lengthOf(buffer.toString('latin1', 0, bytes))
    this.#received += bytes
    if (this.#received < this.#expected) return
    took[this.#request] = performance.now() - (sentAt[this.#request] ?? 0)
    answered += 1
    idle.push(this)
  }
}

/** Of head and body; the head of each answer comes whole. */
function lengthOf(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n')
  if (!text.startsWith('HTTP/1.1 200') || headEnd === -1) throw new Error(`an answer was ${text.slice(0, 60)}`)
  return headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1])
}

const lanes = Array.from({ length: CONNECTIONS }, () => new Lane())
for (const lane of lanes) {
  await once(lane.socket, 'connect')
  idle.push(lane)
}
const began = performance.now()
for (let sent = 0; sent < count;) {
  const due = Math.min(count, Math.floor(((performance.now() - began) * perSecond) / 1000))
  for (let lane; sent < due && (lane = idle.shift()); sent++) lane.ask(sent)
  await sleep(1)
}
for (const deadline = performance.now() + LAST_ANSWER_MS; answered < count && performance.now() < deadline;)
  await sleep(5)
if (answered < count) throw new Error(`${count - answered} of ${count} requests were not answered`)
for (const { socket } of lanes) socket.destroy()
process.stdout.write(JSON.stringify(Array.from(sentAt, (at, n) => [performance.timeOrigin + at, took[n]])))
