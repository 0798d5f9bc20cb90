import type { Clock } from '../clock.ts'
import { KEPT_EXCHANGES } from './exchanges.ts'
import { NOTHING_SEEN, type Inspector, type Seen } from './inspector.ts'
import type { ApiAllowance, Overview, Trouble, Update } from './wire.ts'

/** Often enough to look live; it also tells a viewer that the proxy is still there. */
const UPDATE_MS = 500

export interface FeedOptions {
  readonly clock: Clock
  readonly inspector: Inspector
  readonly overview: () => Overview
  readonly allowance: () => readonly ApiAllowance[]
  readonly keepsBodies: boolean
  readonly asksForKey: boolean
}

export interface FeedViewer {
  /** Why this viewer is not shown exchanges; undefined where he is. */
  readonly closedBecause: string | undefined
  send(update: Update): void
}

/** Tells viewers everything there is, then twice a second what is new. Costs nothing while nobody looks. */
export class Feed {
  readonly #options: FeedOptions
  readonly #viewers = new Map<FeedViewer, { seen: Seen; troubles: readonly Trouble[] }>()
  readonly #closing = new AbortController()
  #isRunning = false

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** Returns the way to leave. */
  join(viewer: FeedViewer): () => void {
    this.#viewers.set(viewer, { seen: NOTHING_SEEN, troubles: [] })
    this.#tell(viewer)
    if (!this.#isRunning) void this.#run()
    return () => this.#viewers.delete(viewer)
  }

  close(): void {
    this.#closing.abort(new Error('closed'))
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { clock } = this.#options
    while (this.#viewers.size > 0 && !this.#closing.signal.aborted) {
      await clock.sleep(UPDATE_MS, this.#closing.signal).catch(() => undefined)
      for (const viewer of this.#viewers.keys()) this.#tell(viewer)
    }
    this.#isRunning = false
  }

  #tell(viewer: FeedViewer): void {
    const told = this.#viewers.get(viewer)
    if (!told) return
    const { clock, inspector, overview, allowance, keepsBodies, asksForKey } = this.#options
    const { seen, exchanges, seconds, marks, troubles = told.troubles } = inspector.since(told.seen)
    const isWhole = told.seen === NOTHING_SEEN
    this.#viewers.set(viewer, { seen, troubles })
    const { closedBecause } = viewer
    viewer.send({
      isWhole,
      now: clock.now(),
      overview: overview(),
      allowance: allowance(),
      seconds,
      marks,
      troubles,
      exchanges: closedBecause === undefined ? exchanges : null,
      inspector: { keepsBodies, asksForKey, closedBecause: closedBecause ?? null, kept: KEPT_EXCHANGES },
    })
  }
}
