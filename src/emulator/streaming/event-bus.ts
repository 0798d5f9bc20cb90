const MOST_RETAINED = 1000

/** An event as subscribers get it. */
export interface StreamEvent {
  readonly channel: string
  readonly data: Readonly<Record<string, unknown>>
}

interface Retained extends StreamEvent {
  readonly replayId: number
}

/** The events of the org, retained so that a subscriber can ask for those it has missed. */
export class EventBus {
  readonly #retained: Retained[] = []
  #count = 0

  /** Numbers the event: `data.event.replayId`. */
  add(channel: string, data: Readonly<Record<string, unknown>>): StreamEvent & { replayId: number } {
    const replayId = ++this.#count
    const given = data.event
    const event = { ...(typeof given === 'object' ? given : {}), replayId }
    const retained: Retained = { channel, replayId, data: { ...data, event } }
    this.#retained.push(retained)
    if (this.#retained.length > MOST_RETAINED) this.#retained.shift()
    return retained
  }

  /** The events of a channel after this one; -1 is none of the old, -2 all that are retained. */
  after(channel: string, replayId: number): StreamEvent[] {
    if (replayId === -1) return []
    return this.#retained.filter((event) => event.channel === channel && event.replayId > replayId)
  }
}
