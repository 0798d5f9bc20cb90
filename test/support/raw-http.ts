import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

/** Sends exactly these bytes to a port of 127.0.0.1 and resolves with all that comes back until the peer closes. */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

export interface RawConnection extends Disposable {
  readonly socket: Socket
  /** Resolves with all that has come, once this text is in it; rejects where the peer closes before. */
  until(text: string): Promise<string>
  /** Resolves with all that has come, once the connection is closed. */
  untilClosed(): Promise<string>
}

/** A raw connection, to a port of 127.0.0.1 or one that is open, whose answer can be waited for piece by piece. */
export function openRaw(place: number | Socket): RawConnection {
  const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : place
  let seen = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')))
  return {
    socket,
    async until(text) {
      while (!seen.includes(text)) {
        if (socket.closed || socket.readableEnded) throw new Error(`closed before ${JSON.stringify(text)}: ${seen}`)
        await Promise.race([once(socket, 'data'), once(socket, 'close')])
      }
      return seen
    },
    async untilClosed() {
      if (!socket.closed) await once(socket, 'close')
      return seen
    },
    [Symbol.dispose]() {
      socket.destroy()
    },
  }
}
