import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { Bag, type Bagged } from './bag.ts'

export interface ConnectionLimitOptions {
  /** How many connections may be open. */
  readonly limit: number
  /** How many beyond these are let in, for their first request to be answered with 503. */
  readonly reserve: number
  readonly clock: Clock
  readonly onReport: (report: ConnectionReport) => void
}

/** What became of connections since the last report. */
export interface ConnectionReport {
  readonly open: number
  readonly limit: number
  /** There was no room: answered with 503, or closed. */
  readonly refused: number
  /** Idle ones that were closed to make room for others. */
  readonly evicted: number
  /** Of accept(2), where it failed: EMFILE, ENFILE. */
  readonly error?: string | undefined
}

/** One client connection. */
export interface Connection {
  /** The one with bytes of HTTP: of TLS the decrypted one. */
  socket: Socket
  readonly transport: Socket
  /** In progress. */
  requests: number
  hasServed: boolean
  /** Monotonic milliseconds: since it has no request in progress. */
  idleSince: number
  /** Bytes that had been read by then: more of them are part of a head. */
  readBefore: number
  /** Beyond the limit. */
  isOver: boolean
  place: Bagged<Connection> | undefined
}

/** The full limit is reported at once, and then so often at most. */
const REPORT_EVERY_MS = 10_000
/** A local caller sends its first request, and every head, within this: later its connection may make room. */
const HEAD_MS = 1_000

/**
 * Client connections of several listeners under one limit. Where it is reached, the connection that has been idle for the longest makes
 * room; where all are in use, the new one is refused.
 */
export class ConnectionLimit {
  readonly #options: ConnectionLimitOptions
  readonly #all = new Bag<Connection>()
  readonly #of = new WeakMap<Socket, Connection>()
  readonly #closing = new AbortController()
  #over = 0
  #refused = 0
  #evicted = 0
  #reported = { refused: 0, evicted: 0 }
  #error: string | undefined
  #isReporting = false

  constructor(options: ConnectionLimitOptions) {
    this.#options = options
  }

  get open(): number {
    return this.#all.size - this.#over
  }

  get limit(): number {
    return this.#options.limit
  }

  /** Since the start, as are those below. */
  get refused(): number {
    return this.#refused
  }

  get evicted(): number {
    return this.#evicted
  }

  /** A connection was accepted: it is counted until it closes, or closed where it is refused. */
  add(socket: Socket): void {
    const isOver = !this.#hasRoom()
    if (isOver) this.#refuse()
    if (isOver && this.#over >= this.#options.reserve) {
      socket.destroy()
      return
    }
    const connection: Connection = {
      socket,
      transport: socket,
      requests: 0,
      hasServed: false,
      idleSince: this.#options.clock.monotonic(),
      readBefore: 0,
      isOver,
      place: undefined,
    }
    connection.place = this.#all.add(connection)
    this.#of.set(socket, connection)
    if (isOver) this.#over += 1
    socket.once('close', () => {
      this.#remove(connection)
    })
  }

  /** The TLS handshake of a connection is done: this socket has what it carries. */
  secured(transport: Socket, socket: Socket): void {
    const connection = this.#of.get(transport)
    if (connection === undefined) return
    connection.socket = socket
    this.#of.set(socket, connection)
  }

  /** A request begins; returns what `end` takes. */
  begin(socket: Socket): Connection | undefined {
    const connection = this.#of.get(socket)
    if (connection === undefined) return undefined
    connection.requests += 1
    // Room may have been made meanwhile.
    if (connection.isOver && this.#hasRoom()) {
      connection.isOver = false
      this.#over -= 1
    }
    return connection
  }

  /** Whether the requests of this connection are to be answered with PROXY_CONNECTIONS_FULL. */
  isRefused(socket: Socket): boolean {
    return this.#over > 0 && this.#of.get(socket)?.isOver === true
  }

  end(connection: Connection | undefined): void {
    if (connection === undefined) return
    connection.requests -= 1
    connection.hasServed = true
    if (connection.requests > 0) return
    connection.idleSince = this.#options.clock.monotonic()
    connection.readBefore = connection.socket.bytesRead
  }

  /** Accepting a connection failed. */
  acceptFailed(error: string): void {
    this.#error = error
    this.#evict()
    this.#refuse()
  }

  close(): void {
    this.#closing.abort()
  }

  #hasRoom(): boolean {
    return this.open < this.#options.limit || this.#evict()
  }

  #refuse(): void {
    this.#refused += 1
    this.#report()
  }

  /** Closes the connection that is missed least; false where all are in use. */
  #evict(): boolean {
    const now = this.#options.clock.monotonic()
    let [idle, slow]: (Connection | undefined)[] = []
    for (const connection of this.#all) {
      const { requests, isOver, hasServed, idleSince, socket, readBefore } = connection
      if (requests > 0 || isOver) continue
      const isLate = now - idleSince >= HEAD_MS
      const hasPartOfHead = socket.bytesRead > readBefore
      if (!hasPartOfHead && (hasServed || isLate)) idle = longestIdle(idle, connection)
      else if (isLate) slow = longestIdle(slow, connection)
    }
    const evicted = idle ?? slow
    if (evicted === undefined) return false
    this.#remove(evicted)
    evicted.transport.destroy()
    this.#evicted += 1
    this.#report()
    return true
  }

  #remove(connection: Connection): void {
    const { place, isOver } = connection
    if (place === undefined) return
    this.#all.delete(place)
    connection.place = undefined
    if (isOver) this.#over -= 1
  }

  #report(): void {
    if (this.#isReporting) return
    this.#isReporting = true
    // After what has just happened is complete.
    queueMicrotask(() => {
      const { refused, evicted } = this.#reported
      this.#reported = { refused: this.#refused, evicted: this.#evicted }
      this.#options.onReport({
        open: this.open,
        limit: this.limit,
        refused: this.#refused - refused,
        evicted: this.#evicted - evicted,
        error: this.#error,
      })
      this.#error = undefined
    })
    void this.#options.clock.sleep(REPORT_EVERY_MS, this.#closing.signal).then(
      () => {
        this.#isReporting = false
        if (this.#refused > this.#reported.refused || this.#evicted > this.#reported.evicted) this.#report()
      },
      () => undefined,
    )
  }
}

function longestIdle(one: Connection | undefined, other: Connection): Connection {
  return one === undefined || other.idleSince < one.idleSince ? other : one
}
