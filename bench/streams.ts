import { once } from 'node:events'
import { connect } from 'node:net'
import { BARE, FLOOR, API_KEY, OURS, named, ours } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import type { Lab } from './lab.ts'
import { freePort, listening, start } from './processes.ts'

/** Megabytes a second of one stream: one number a round. */
export interface Streams {
  readonly name: string
  readonly download: number[]
  readonly upload: number[]
}

export async function streams({ lab, rounds, bytes }: { lab: Lab; rounds: number; bytes: number }): Promise<Streams[]> {
  await using stack = new AsyncDisposableStack()
  const entrants: (Streams & { port: number })[] = []
  for (const name of [FLOOR, BARE, OURS]) {
    const port = await freePort()
    // An upload is a write.
    const command = name === OURS ? ours({ PROXY_READ_ONLY: 'false' }) : named(name).command
    stack.use(start(command({ port, target: lab.streams, lab })))
    await listening(port)
    await firstAnswer(port)
    entrants.push({ name, port, download: [], upload: [] })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { port, download, upload } of entrants) {
      download.push(perSecond(bytes, await timed(() => downloaded(port, bytes))))
      upload.push(perSecond(bytes, await timed(() => uploaded(port, bytes))))
    }
  }
  return entrants
}

function perSecond(bytes: number, ms: number): number {
  return bytes / 1000 / ms
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const FIELDS = `Host: 127.0.0.1\r\nX-Api-Key: ${API_KEY}\r\n`

/** Ends by counting: not every proxy closes the connection when it is asked to. */
async function downloaded(port: number, bytes: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /services/data/v67.0/stream/${bytes} HTTP/1.1\r\n${FIELDS}\r\n`)
  let received = 0
  let headBytes = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (headBytes === 0) headBytes = chunk.indexOf('\r\n\r\n') + 4
    received += chunk.length
    if (received - headBytes >= bytes) break
  }
  socket.destroy()
  if (received - headBytes < bytes) throw new Error(`a download ended after ${received} bytes`)
}

async function uploaded(port: number, bytes: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const piece = Buffer.alloc(64 * 1024, 'x')
  const answered = once(socket, 'data')
  const fields = `${FIELDS}Content-Type: text/csv\r\nContent-Length: ${bytes}\r\n`
  socket.write(`PUT /services/data/v67.0/jobs/ingest/750000000000001/batches HTTP/1.1\r\n${fields}\r\n`)
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!socket.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(socket, 'drain')
  }
  // The upstream answers when it has the whole body.
  const head = String((await answered)[0])
  socket.destroy()
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`an upload was answered ${head.slice(0, 100)}`)
}
