import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { readAnswers, type Received } from './answers.ts'

/** Where clients find the proxy. */
export interface Place {
  /** A port of 127.0.0.1, or the path of a unix socket. */
  readonly at: number | string
  /** The certificate of an https listener. */
  readonly ca?: string | undefined
}

/** How a client behaves on its connection. */
export interface Manner {
  readonly bytes: Buffer
  /** How many of these it sends. */
  readonly sends: number
  /** In how many writes. */
  readonly pieces: number
  /** What it does then: wait for its answers, do so after closing its sending side, close, reset, or never read a byte. */
  readonly then: 'waits' | 'finishes' | 'closes' | 'resets' | 'stops reading'
  /** It goes away once so many bytes of the answer have come. */
  readonly leavesAfter?: number | undefined
  /** Of the requests in the bytes, in their order. */
  readonly methods: readonly string[]
}

export interface Visit {
  /** Resolves when it has done all that it does by itself. */
  readonly acted: Promise<void>
  /** Resolves when as many answers are there as it made requests, or the connection is over. */
  readonly answered: Promise<void>
  /** What has come so far. Throws where that is no HTTP. */
  answers: () => Received[]
  leave: () => void
}

/** Connects and sends: a client of the crowd. Whatever happens to it is no error. */
export function visit(place: Place, manner: Manner): Visit {
  const raw = typeof place.at === 'number' ? connect(place.at, '127.0.0.1') : connect(place.at)
  const isShy = manner.sends === 0 && manner.then !== 'waits'
  // Who leaves before a byte leaves before the handshake.
  const socket: Socket =
    place.ca === undefined || isShy ? raw : connectTls({ socket: raw, ca: place.ca, servername: 'localhost' })
  const chunks: Buffer[] = []
  let [size, hasEnded] = [0, false]
  const over = Promise.withResolvers<undefined>()
  for (const each of new Set([raw, socket])) each.on('error', () => undefined)
  socket.on('end', () => (hasEnded = true))
  socket.on('close', () => {
    over.resolve(undefined)
  })
  const leave = () => {
    socket.destroy()
    raw.destroy()
  }
  const answers = () => readAnswers(Buffer.concat(chunks), manner.methods, hasEnded)
  const isAnswered = () => {
    try {
      const found = answers()
      return found.length === manner.methods.length && found.every(({ isWhole }) => isWhole)
    } catch {
      return true
    }
  }
  if (manner.then === 'stops reading') socket.pause()
  else {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (manner.leavesAfter !== undefined && size >= manner.leavesAfter) leave()
      else if (isAnswered()) over.resolve(undefined)
    })
  }
  const act = async () => {
    const bytes = manner.bytes.subarray(0, manner.sends)
    const step = Math.max(Math.ceil(bytes.length / manner.pieces), 1)
    for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
      if (at > 0) await setImmediate()
      socket.write(bytes.subarray(at, at + step))
    }
    if (manner.then === 'finishes') socket.end()
    if (manner.then !== 'closes' && manner.then !== 'resets') return
    // Not before the bytes have gone: a client that leaves has sent something.
    if (bytes.length > 0 && !socket.destroyed) await flushed(socket)
    // A unix socket knows no reset.
    if (manner.then === 'resets' && typeof place.at === 'number' && !raw.destroyed) raw.resetAndDestroy()
    leave()
  }
  return { acted: act(), answered: over.promise.then(() => undefined), answers, leave }
}

/** More turns of the event loop than a peer on this machine takes to read what it wants. */
const MOST_TURNS = 200

/** Resolves when what was written is with the kernel, or the peer takes no more of it. */
async function flushed(socket: Socket): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS && !socket.destroyed; turn++) {
    if (!socket.connecting && socket.writableLength === 0) return
    await setImmediate()
  }
}
