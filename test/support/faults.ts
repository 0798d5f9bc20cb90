import type { Socket } from 'node:net'
import type { Play } from './fault-server.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

export interface Fault {
  readonly play?: Play
  readonly onConnection?: (socket: Socket) => void
  /** Nobody listens at all. */
  readonly isAbsent?: boolean
  /** A first request is answered well, so that the fault meets a kept-alive connection. */
  readonly isWarm?: boolean
  /** It ends by our timeout alone. */
  readonly isSilent?: boolean
}

const says =
  (bytes: string): Play =>
  (socket) =>
    socket.write(bytes, 'latin1')
const saysAndEnds =
  (bytes: string): Play =>
  (socket) =>
    socket.end(bytes, 'latin1')
const saysAndResets =
  (bytes: string): Play =>
  (socket) =>
    socket.write(bytes, 'latin1', () => socket.resetAndDestroy())
const head = (...fields: string[]) => ['HTTP/1.1 200 OK', ...fields, '', ''].join('\r\n')
const warm = (play: Play): Fault => ({
  isWarm: true,
  play: (socket, nth) => {
    if (nth === 1) socket.write(OK)
    else play(socket, nth)
  },
})

/** What may go wrong, by the name that docs/faults.md gives it. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'nobody listens': { isAbsent: true },
  'accepts the connection and resets it': { onConnection: (socket) => socket.resetAndDestroy() },
  'accepts the connection and closes it': { onConnection: (socket) => socket.end() },
  'accepts the connection and speaks first': { onConnection: (socket) => socket.end('220 smtp.example.com ESMTP\r\n') },
  'takes the request and resets the connection': { play: (socket) => socket.resetAndDestroy() },
  'takes the request and closes the connection': { play: (socket) => socket.end() },
  'takes the request and says nothing': { isSilent: true, play: () => undefined },
  'resets within the head': { play: saysAndResets('HTTP/1.1 200 OK\r\nContent-Le') },
  'closes within the head': { play: saysAndEnds('HTTP/1.1 200 OK\r\nContent-Le') },
  'stalls within the head': { isSilent: true, play: says('HTTP/1.1 200 OK\r\nContent-Le') },
  'resets within a body of known length': { play: saysAndResets(`${head('Content-Length: 10')}hello`) },
  'closes within a body of known length': { play: saysAndEnds(`${head('Content-Length: 10')}hello`) },
  'resets within a chunked body': { play: saysAndResets(`${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`) },
  'closes within a chunked body': { play: saysAndEnds(`${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`) },
  'stalls within a body': { isSilent: true, play: says(`${head('Content-Length: 10')}hello`) },
  'closes at the end of a body without length': { play: saysAndEnds(`${head('Connection: close')}hello`) },
  'resets within a body without length': { play: saysAndResets(`${head('Connection: close')}hello`) },
  'answers by HTTP/1.0': { play: saysAndEnds('HTTP/1.0 200 OK\r\n\r\nhello') },
  'answers with what is no HTTP': { play: says('\u0016\u0003\u0001\u0002\u0000\u0001\u0000') },
  'answers in HTML without a head': { play: saysAndEnds('<html><body>Down for maintenance</body></html>') },
  'answers with status 888': { play: says('HTTP/1.1 888 Lucky\r\nContent-Length: 5\r\n\r\nhello') },
  'answers with status 99': { play: says('HTTP/1.1 99 Low\r\nContent-Length: 5\r\n\r\nhello') },
  'answers with status 1000': { play: says('HTTP/1.1 1000 High\r\nContent-Length: 5\r\n\r\nhello') },
  'answers with an unasked 100 Continue first': { play: says(`HTTP/1.1 100 Continue\r\n\r\n${OK}`) },
  'answers with an unasked 101 Switching Protocols': {
    play: says('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
  },
  'answers with a hundred interim answers first': {
    play: says('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(100) + OK),
  },
  'answers with a hundred and one interim answers first': {
    play: says('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(101) + OK),
  },
  'gives two different lengths': { play: says(`${head('Content-Length: 5', 'Content-Length: 3')}hello`) },
  'gives the same length twice': { play: says(`${head('Content-Length: 5', 'Content-Length: 5')}hello`) },
  'gives a length twice that is right when the digits are joined': {
    play: says(head('Content-Length: 0', 'Content-Length: 5') + 'hello'),
  },
  'gives a length that is no number': { play: says(`${head('Content-Length: five')}hello`) },
  'gives a negative length': { play: says(`${head('Content-Length: -5')}hello`) },
  'gives a length beyond 64 bits': { play: says(`${head('Content-Length: 99999999999999999999999')}hello`) },
  'gives a length and chunks': {
    play: says(`${head('Content-Length: 3', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`),
  },
  'names Transfer-Encoding twice': {
    play: says(`${head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`),
  },
  'names a transfer coding that is unknown': { play: saysAndEnds(`${head('Transfer-Encoding: rot13')}hello`) },
  'sends a chunk whose size is no number': { play: says(`${head('Transfer-Encoding: chunked')}zz\r\nhello\r\n`) },
  'sends a chunk longer than its size': { play: says(`${head('Transfer-Encoding: chunked')}3\r\nhello\r\n0\r\n\r\n`) },
  'sends a field with control characters': { play: says(`${head('X-Odd: a\u0001b', 'Content-Length: 5')}hello`) },
  'sends a field with a NUL': { play: says(`${head('X-Odd: a\u0000b', 'Content-Length: 5')}hello`) },
  'sends a field with a space in its name': { play: says(`${head('X Odd: a', 'Content-Length: 5')}hello`) },
  'sends a field on two lines': { play: says(`${head('X-Folded: a\r\n b', 'Content-Length: 5')}hello`) },
  'ends its lines with LF alone': { play: says('HTTP/1.1 200 OK\nContent-Length: 5\n\nhello') },
  'sends a head beyond 16 KiB': { play: says(`${head(`X-Large: ${'x'.repeat(20_000)}`, 'Content-Length: 5')}hello`) },
  'sends more than the length it gave': { play: says(`${head('Content-Length: 5')}hello, world`) },
  'sends a second answer behind the first': { play: says(OK + OK.replace('hello', 'WRONG')) },
  'sends a body with a 204': { play: says('HTTP/1.1 204 No Content\r\n\r\nhello') },
  'resets an idle connection as the next request comes': warm((socket) => socket.resetAndDestroy()),
  'closes an idle connection as the next request comes': warm((socket) => socket.end()),
  'resets a kept connection after the first byte of an answer': warm(saysAndResets('H')),
  'stalls on a kept connection': { ...warm(() => undefined), isSilent: true },
}
