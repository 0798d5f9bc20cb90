/** @import { State } from './feed.js' */

/** What is drawn: no more than there is, up to the ten minutes that the proxy remembers. Seconds. */
const WINDOWS = [
  { span: 120, step: 1, words: 'two minutes' },
  { span: 300, step: 3, words: 'five minutes' },
  { span: 600, step: 5, words: 'ten minutes' },
]

/**
 * @typedef {object} Step
 * @property {number} at epoch seconds
 * @property {number} rate
 * @property {number} failed
 * @property {number | null} own
 * @property {number | null} upstream
 */

/** @param {State} state */
export function windowOf({ latest: { now, overview } }) {
  const upSeconds = (now - Date.parse(overview.startedAt)) / 1000
  return WINDOWS.find(({ span }) => upSeconds < span) ?? { span: 600, step: 5, words: 'ten minutes' }
}

/**
 * @param {State} state
 * @param {{ span: number, step: number }} window
 * @returns {Step[]}
 */
export function stepsOf({ seconds, latest: { now } }, { span, step }) {
  // The second that is running is not told yet.
  const end = Math.floor((now / 1000 - 1) / step) * step
  const first = end - span + step
  /** @type {Step[]} */
  const steps = Array.from({ length: span / step }, (_, at) => ({
    at: first + at * step,
    rate: 0,
    failed: 0,
    own: null,
    upstream: null,
  }))
  for (const second of seconds) {
    const found = steps[Math.floor((second.at - first) / step)]
    if (!found) continue
    found.rate += second.requests
    found.failed += second.failed
    found.own = Math.max(found.own ?? 0, second.ownMs)
    if (second.upstreamMs !== null) found.upstream = Math.max(found.upstream ?? 0, second.upstreamMs)
  }
  for (const found of steps) {
    const length = Math.min(step, now / 1000 - found.at)
    found.rate /= length
    found.failed /= length
  }
  return steps
}
