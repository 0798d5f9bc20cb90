import type { FrontPorts } from '../front.ts'
import { prepareSocket, type SocketPlace } from '../server/unix-socket.ts'

/** Where the workers listen: the ports to ask for, and the place of the unix socket. */
export interface Door {
  readonly plain: number
  readonly secure: number | undefined
  readonly socketPath: string | undefined
}

interface Opened extends Door {
  readonly place: SocketPlace | undefined
}

export interface DoorsOptions {
  /** As the settings say; 0 is any free one. */
  readonly ports: FrontPorts
  readonly socketPath: string | undefined
}

/**
 * What the workers listen on. The system keeps it open as long as one of them lives, so that another may join; once all have ended, it is
 * opened anew: on the ports that callers know, though any free one was asked for, and with a socket in a new place.
 */
export class Doors {
  readonly #options: DoorsOptions
  #ports: FrontPorts
  #opened: Promise<Opened> | undefined
  #published: Promise<void> | undefined
  #users = 0
  #leaving: Promise<void> = Promise.resolve()

  constructor(options: DoorsOptions) {
    this.#options = options
    this.#ports = options.ports
  }

  /** For one worker, until it gives them back. Rejects with a SocketError. */
  async enter(): Promise<Door> {
    this.#users += 1
    this.#opened ??= this.#open()
    return this.#opened
  }

  /** The worker of one `enter` listens there. Rejects where that is not where callers look, or where the socket cannot be published. */
  async isOpen(ports: FrontPorts): Promise<void> {
    const { plain, secure } = this.#ports
    if (isOther(plain, ports.plain) || isOther(secure, ports.secure)) throw new Error('it listens on another port')
    this.#ports = ports
    const opened = await this.#opened
    this.#published ??= opened?.place?.publish() ?? Promise.resolve()
    await this.#published
  }

  /** The worker of one `enter` has ended. */
  leave(): void {
    this.#users -= 1
    if (this.#users === 0) this.#abandon()
  }

  /** Nobody is to find a socket behind which nobody listens. */
  async close(): Promise<void> {
    this.#abandon()
    await this.#leaving
  }

  async #open(): Promise<Opened> {
    await this.#leaving
    const { socketPath } = this.#options
    const place = socketPath === undefined ? undefined : await prepareSocket(socketPath)
    return { ...this.#ports, socketPath: place?.listenPath, place }
  }

  #abandon(): void {
    const opened = this.#opened
    this.#opened = undefined
    this.#published = undefined
    if (opened === undefined) return
    this.#leaving = opened.then(
      ({ place }) => place?.remove(),
      () => undefined,
    )
  }
}

function isOther(wanted: number | undefined, found: number | undefined): boolean {
  return wanted !== 0 && wanted !== found
}
