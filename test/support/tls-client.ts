import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { readReply, type Reply } from './http-client.ts'

/** One request over TLS, to a server that `ca` vouches for under the name it is called by. */
export async function askTls(url: string, ca: string): Promise<Reply> {
  const asked = request(url, { ca, agent: false }).end()
  // The 'response' event carries one IncomingMessage.
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return readReply(response)
}

/** A TLS connection after its handshake, whoever the server is. */
export async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}
