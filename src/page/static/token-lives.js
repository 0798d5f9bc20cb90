/** @import { TokenMark } from '../../inspector/wire.ts' */

/**
 * @typedef {object} Life
 * @property {string} fingerprint
 * @property {number} from
 * @property {number} to
 * @property {boolean} isHeld
 */

/**
 * Which token was held when.
 * @param {readonly TokenMark[]} marks
 * @param {number} now
 * @returns {Life[]}
 */
export function livesOf(marks, now) {
  /** @type {Life[]} */
  const lives = []
  for (const { kind, at, fingerprint } of marks) {
    const open = lives.at(-1)
    if (kind === 'obtained' && fingerprint !== null) {
      if (open?.isHeld) lives[lives.length - 1] = { ...open, to: at, isHeld: false }
      lives.push({ fingerprint, from: at, to: now, isHeld: true })
    } else if (kind === 'refused' && open?.isHeld && open.fingerprint === fingerprint) {
      lives[lives.length - 1] = { ...open, to: at, isHeld: false }
    }
  }
  return lives
}

/**
 * When no token was held.
 * @param {readonly Life[]} lives
 * @param {number} from
 * @param {number} now
 * @param {boolean} isNoneHeld
 * @returns {(readonly [number, number])[]}
 */
export function gapsOf(lives, from, now, isNoneHeld) {
  const gaps = lives.slice(1).flatMap((life, at) => {
    const former = lives[at]
    return former && life.from - former.to > 0 ? [/** @type {const} */ ([former.to, life.from])] : []
  })
  return isNoneHeld ? [...gaps, /** @type {const} */ ([lives.at(-1)?.to ?? from, now])] : gaps
}

/**
 * Round moments, no more than have room.
 * @param {number} from
 * @param {number} to
 * @param {number} most
 */
export function ticks(from, to, most) {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200].map((s) => s * 1000)
  const step = steps.find((size) => (to - from) / size <= most) ?? 86_400_000
  const offset = new Date(from).getTimezoneOffset() * 60_000
  const first = Math.ceil((from - offset) / step) * step + offset
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, at) => first + at * step)
}
