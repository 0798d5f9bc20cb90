import { connect } from 'node:net'

/**
 * Sends these very bytes, closes the sending side, and gives all that comes back until the other side closes.
 * With `stay` the sending side stays open: send `Connection: close`.
 */
export async function sendRaw({ port }: { port: number }, bytes: string, stay?: 'stay'): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  // A reset is an answer as well: what came before it counts.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    resolve(answer)
  })
  socket.on('end', () => {
    socket.destroy()
  })
  if (stay === 'stay') socket.write(bytes, 'latin1')
  else socket.end(bytes, 'latin1')
  return promise
}

/** A request head from lines; with `Host: localhost` unless the lines name one or `null` is given. */
export function head(requestLine: string, ...fields: string[]): string {
  const hasHost = fields.some((field) => /^host/i.test(field))
  return [requestLine, ...(hasHost ? [] : ['Host: localhost']), ...fields, '', ''].join('\r\n')
}

/** The status codes of all answers in a stream of them. */
export function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}
