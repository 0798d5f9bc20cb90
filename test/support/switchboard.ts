import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Switchboard extends AsyncDisposable {
  readonly port: number
  /** Where connections go from now on: a port of 127.0.0.1. */
  target: number
}

/** A port that is first one server and then another: what a browser meets when a name is bound to another address. */
export async function startSwitchboard(target: number): Promise<Switchboard> {
  const sockets = new Set<Socket>()
  const board = { target }
  const server = createServer((caller) => {
    const callee = connect(board.target, '127.0.0.1')
    for (const [from, to] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return Object.assign(board, {
    port,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  })
}
