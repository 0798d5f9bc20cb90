/** @import { ExchangeSummary, SecondPoint, TokenMark, Update } from '../../inspector/wire.ts' */

/** The proxy speaks twice a second. */
const SILENCE_MS = 4000
const RETRY_MS = 2000
const KEPT_EXCHANGES = 200
const KEPT_SECONDS = 600

/**
 * What is known, all of it.
 * @typedef {object} State
 * @property {Update} latest what was told last
 * @property {SecondPoint[]} seconds
 * @property {TokenMark[]} marks
 * @property {ExchangeSummary[]} exchanges oldest first
 * @property {boolean} isOpen exchanges are shown to this viewer
 */

/**
 * @typedef {object} Listener
 * @property {(state: State, fresh: { exchanges: readonly ExchangeSummary[], isWhole: boolean }) => void} onState
 * @property {(why: string, since: number | undefined) => void} onAway `since`: when the proxy was last heard
 */

/**
 * Listens to the proxy for ever; a proxy that is gone is looked for until it is back.
 * @param {Listener} listener
 */
export function listen(listener) {
  /** @type {State | undefined} */
  let state
  /** @type {number | undefined} */
  let heardAt
  let hasEnded = false
  let source = connect()

  function connect() {
    const next = new EventSource('/events')
    next.addEventListener('message', (event) => {
      /** @type {unknown} */
      const told = JSON.parse(String(event.data))
      // What the proxy sends under this name.
      const update = /** @type {Update} */ (told)
      heardAt = Date.now()
      hasEnded = false
      const isNew = !state || (update.isWhole && !isSameRun(state, update))
      const before = state?.exchanges.at(-1)?.n ?? 0
      // After a gap everything is told again: what is on the page already stays there.
      const exchanges = (update.exchanges ?? []).filter(({ n }) => isNew || n > before)
      state = !state || isNew ? begun(update) : joined(state, { ...update, exchanges: update.exchanges && exchanges })
      listener.onState(state, { exchanges, isWhole: isNew })
    })
    next.addEventListener('end', () => {
      hasEnded = true
      next.close()
      listener.onAway('The proxy has stopped.', heardAt)
    })
    next.addEventListener('error', () => {
      next.close()
      void explain()
    })
    return next
  }

  async function explain() {
    if (hasEnded) return
    const answer = await fetch('/livez').catch(() => undefined)
    // It lives, but refuses the stream: that is what it does when too many pages are open.
    const why =
      answer?.ok === true
        ? 'The proxy shows itself to eight pages at most: close another one.'
        : 'No contact with the proxy.'
    listener.onAway(why, heardAt)
  }

  setInterval(() => {
    if (source.readyState === EventSource.CLOSED) source = connect()
    else if (heardAt !== undefined && Date.now() - heardAt > SILENCE_MS) {
      source.close()
      listener.onAway('No contact with the proxy.', heardAt)
    }
  }, RETRY_MS)
}

/**
 * @param {State} state
 * @param {Update} update
 */
function isSameRun(state, update) {
  return state.latest.overview.startedAt === update.overview.startedAt && state.isOpen === (update.exchanges !== null)
}

/**
 * @param {Update} update
 * @returns {State}
 */
function begun(update) {
  return {
    latest: update,
    seconds: [...update.seconds],
    marks: [...update.marks],
    exchanges: [...(update.exchanges ?? [])],
    isOpen: update.exchanges !== null,
  }
}

/**
 * @param {State} state
 * @param {Update} update
 * @returns {State}
 */
function joined(state, update) {
  return {
    latest: update,
    seconds: update.isWhole ? [...update.seconds] : [...state.seconds, ...update.seconds].slice(-KEPT_SECONDS),
    marks: update.isWhole ? [...update.marks] : [...state.marks, ...update.marks].slice(-100),
    exchanges: [...state.exchanges, ...(update.exchanges ?? [])].slice(-KEPT_EXCHANGES),
    isOpen: update.exchanges !== null,
  }
}
