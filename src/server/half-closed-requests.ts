import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import { Bag, type Bagged } from './bag.ts'
import { closedPeers } from './closed-peers.ts'
import { LOOK_MS, Lookout } from './lookout.ts'

/** Reading the system's table of sockets takes up to tens of milliseconds of processor time. A killed client's FIN comes with its death. */
const LOOKS_BETWEEN_CHECKS = 10

/** A response without a byte for so long has stalled. */
const STALLED_MS = 5_000

/** For how long there has been no byte of the response, and how many came before. */
interface Silence {
  readonly ms: number
  readonly bytesOut: number
}

export interface HalfClosable {
  readonly request: IncomingMessage
  /** Waiting for a token or a connection; waiting for the response; or responding. */
  readonly stage: 'queued' | 'sent' | 'responding'
  /** Bytes of the response's body so far. */
  bytesOut(): number
  /** The request ends with this error. */
  onHalfClosed(error: ProxyError): void
}

export interface HalfClosedOptions {
  readonly clock: Clock
  /** UPSTREAM_HALF_CLOSED_MS: 0 is no limit. */
  readonly halfClosedMs: number
  /** How many requests wait for a connection to Cloudaware. */
  readonly waiting: () => number
}

/**
 * A FIN after a complete request may come from a client that waits for its response (`nc -N`), or from one that has been killed. Such requests
 * go on, but they end
 * - once the operating system reports that the peer is gone,
 * - when others wait for a connection, unless its response goes on; the longest half-closed first,
 * - after UPSTREAM_HALF_CLOSED_MS on a connection to Cloudaware without a response.
 */
export class HalfClosedRequests {
  readonly #options: HalfClosedOptions
  readonly #requests = new Bag<HalfClosable>()
  /** In the order in which they were half-closed. */
  readonly #halfClosed = new Map<HalfClosable, Silence>()
  readonly #lookout: Lookout
  readonly #followed = new WeakSet<Socket>()
  #looksUntilCheck = 0
  #isChecking = false

  constructor(options: HalfClosedOptions) {
    this.#options = options
    this.#lookout = new Lookout(options.clock, () => {
      this.#look()
      this.#endSome()
      return this.#halfClosed.size > 0
    })
  }

  /** To be forgotten when its response is closed. */
  watch(request: HalfClosable): Bagged<HalfClosable> {
    this.#follow(request.request.socket)
    return this.#requests.add(request)
  }

  forget(bagged: Bagged<HalfClosable>): void {
    this.#requests.delete(bagged)
    this.#halfClosed.delete(bagged.item)
  }

  close(): void {
    this.#lookout.close()
  }

  /** Nothing is looked at before a FIN comes. */
  #follow(socket: Socket): void {
    if (this.#followed.has(socket)) return
    this.#followed.add(socket)
    socket.once('end', () => {
      const isHalfClosed = Array.from(this.#requests).some(({ request }) => request.socket === socket)
      if (isHalfClosed) this.#lookout.wake()
    })
  }

  #look(): void {
    const sockets: Socket[] = []
    for (const request of this.#requests) {
      const { socket } = request.request
      if (!socket.readableEnded || socket.destroyed) continue
      if (!this.#halfClosed.has(request)) {
        this.#halfClosed.set(request, { ms: 0, bytesOut: 0 })
        this.#looksUntilCheck = 0
      }
      probe(socket)
      sockets.push(socket)
    }
    if (sockets.length === 0 || this.#isChecking || this.#looksUntilCheck-- > 0) return
    this.#looksUntilCheck = LOOKS_BETWEEN_CHECKS
    void this.#endClosed(sockets)
  }

  async #endClosed(sockets: readonly Socket[]): Promise<void> {
    this.#isChecking = true
    for (const socket of await closedPeers(sockets)) socket.destroy()
    this.#isChecking = false
  }

  /** Time is counted by looks: what the machine slept is not the client's. */
  #endSome(): void {
    const { halfClosedMs, waiting } = this.#options
    const queued = Array.from(this.#halfClosed.keys()).filter(({ stage }) => stage === 'queued')
    let wanted = waiting() - queued.length
    for (const [request, silence] of this.#halfClosed) {
      const { stage } = request
      if (stage === 'queued') continue
      const bytesOut = request.bytesOut()
      const ms = bytesOut > silence.bytesOut ? 0 : silence.ms
      this.#halfClosed.set(request, { ms: ms + LOOK_MS, bytesOut })
      // Not at the first look: the system may yet report that its client is gone. A response that goes on is not cut.
      const isWanted = wanted > 0 && ms >= (stage === 'sent' ? LOOK_MS : STALLED_MS)
      if (isWanted) wanted -= 1
      if (isWanted || (stage === 'sent' && halfClosedMs > 0 && ms >= halfClosedMs)) {
        request.onHalfClosed(new ProxyError('PROXY_UPSTREAM_TIMEOUT', { message: isWanted ? OTHERS_WAIT : TOO_LONG }))
      }
    }
  }
}

/**
 * Sends nothing, but fails where a TCP peer has reset the connection or a unix peer has closed it. Node has stopped reading at the FIN, so it
 * would not notice. Bytes that wait to be written do the same.
 */
function probe(socket: Socket): void {
  // The socket below TLS, which swallows an empty write. Not in its types.
  const below: unknown = Reflect.get(socket, '_parent')
  const transport = below instanceof Socket ? below : socket
  if (transport.writableLength === 0) transport.write('')
}

const OTHERS_WAIT =
  'Cloudaware had not answered yet, the client had closed its sending side, and other requests waited for the connection (UPSTREAM_CONNECTIONS). The request may have been applied.'
const TOO_LONG =
  'Cloudaware did not answer in time to a client that had closed its sending side (UPSTREAM_HALF_CLOSED_MS). The request may have been applied.'
