import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { API_KEY } from './contestants.ts'
import { pathOf } from './load.ts'

export interface PacedOptions {
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
}

/** When a request was sent, on the clock of `performance.now()`, and how long its answer took. */
export interface Sample {
  readonly at: number
  readonly ms: number
}

/**
 * Requests at a steady rate, whatever the answers do, each on a free connection: a slow answer holds up none of the next.
 * Sockets and bytes only, so that the measuring process adds as little as it can.
 */
export async function pacedLoad({ port, perSecond, seconds }: PacedOptions): Promise<Sample[]> {
  const samples: Sample[] = []
  const idle: Lane[] = []
  const all: Lane[] = []
  const began = performance.now()
  const count = perSecond * seconds
  let answered = 0
  for (let sent = 0; sent < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - began) * perSecond) / 1000))
    for (; sent < due; sent++) {
      const lane = idle.pop() ?? (await openLane(port))
      if (!all.includes(lane)) all.push(lane)
      const at = performance.now()
      lane.ask(pathOf(sent), () => {
        samples.push({ at, ms: performance.now() - at })
        answered += 1
        idle.push(lane)
      })
    }
    await sleep(1)
  }
  for (const deadline = performance.now() + 5000; answered < count && performance.now() < deadline;) await sleep(5)
  for (const lane of all) lane.end()
  if (answered < count) throw new Error(`${count - answered} of ${count} requests were not answered`)
  return samples
}

interface Lane {
  ask(path: string, onAnswer: () => void): void
  end(): void
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** One kept-alive connection with one request at a time, whose answers all state their length. */
async function openLane(port: number): Promise<Lane> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received: Buffer = Buffer.alloc(0)
  let onAnswer: (() => void) | undefined
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const headEnd = received.indexOf(HEAD_END)
    if (headEnd === -1) return
    const head = received.toString('latin1', 0, headEnd)
    if (!head.startsWith('HTTP/1.1 200')) socket.destroy(new Error(`an answer was ${head.slice(0, 60)}`))
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1])
    if (received.length < headEnd + 4 + length) return
    received = Buffer.alloc(0)
    onAnswer?.()
  })
  return {
    ask(path, callback) {
      onAnswer = callback
      write(socket, path)
    },
    end: () => socket.destroy(),
  }
}

function write(socket: Socket, path: string): void {
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: bench/1.0\r\nX-Api-Key: ${API_KEY}\r\n\r\n`,
  )
}
