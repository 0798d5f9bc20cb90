import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Sessions } from '../sessions.ts'
import { EventBus, type StreamEvent } from './event-bus.ts'

/** How long a connect is held open without an event, milliseconds. */
export const HOLD_MS = 110_000

/** A CometD client: it belongs to the session, and to the cookie, with which it shook hands. */
export interface StreamingClient {
  readonly id: string
  readonly token: string
  readonly cookie: string
  readonly channels: Set<string>
  queue: StreamEvent[]
  hasConnected: boolean
  /** Lets go the connect that is held, if one is. */
  wake: () => void
}

/** All clients of the org's streaming API. A client's end comes with its session's. */
export class StreamingClients {
  readonly #clients = new Map<string, StreamingClient>()
  readonly #bus = new EventBus()
  readonly #org: { clock: Clock; closing: AbortController }

  constructor(org: { clock: Clock; sessions: Sessions; closing: AbortController }) {
    this.#org = org
    org.sessions.onEnd(() => {
      for (const client of this.#clients.values()) {
        if (org.sessions.find(client.token) === undefined) this.remove(client)
      }
    })
    org.closing.signal.addEventListener('abort', () => {
      for (const client of this.#clients.values()) client.wake()
    })
  }

  open(token: string): StreamingClient {
    const [id, cookie] = [randomBytes(16).toString('hex'), randomBytes(12).toString('hex')]
    const client: StreamingClient = {
      id,
      token,
      cookie,
      channels: new Set(),
      queue: [],
      hasConnected: false,
      wake: () => undefined,
    }
    this.#clients.set(id, client)
    return client
  }

  find(id: unknown): StreamingClient | undefined {
    return typeof id === 'string' ? this.#clients.get(id) : undefined
  }

  remove(client: StreamingClient): void {
    this.#clients.delete(client.id)
    client.wake()
  }

  subscribe(client: StreamingClient, channel: string, replayId: number): void {
    client.channels.add(channel)
    this.#deliver(client, this.#bus.after(channel, replayId))
  }

  /** Returns the event's replay id. */
  publish(channel: string, data: Readonly<Record<string, unknown>>): number {
    const event = this.#bus.add(channel, data)
    for (const client of this.#clients.values()) if (client.channels.has(channel)) this.#deliver(client, [event])
    return event.replayId
  }

  /** The events for the client, as soon as there are any; none when it may not wait for them, has waited long enough, or is gone. */
  async events(client: StreamingClient, mayHold: boolean): Promise<StreamEvent[]> {
    // Only one connect of a client is held: the older one goes home empty.
    client.wake()
    const isFirst = !client.hasConnected
    client.hasConnected = true
    if (mayHold && client.queue.length === 0 && !isFirst) await this.#held(client)
    const { queue } = client
    client.queue = []
    return queue
  }

  #deliver(client: StreamingClient, events: readonly StreamEvent[]): void {
    if (events.length === 0) return
    client.queue.push(...events)
    client.wake()
  }

  async #held(client: StreamingClient): Promise<void> {
    const { clock, closing } = this.#org
    if (closing.signal.aborted) return
    const woken = new AbortController()
    client.wake = () => {
      woken.abort()
    }
    await clock.sleep(HOLD_MS, woken.signal).catch(() => undefined)
  }
}
