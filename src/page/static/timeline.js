import { byId, el, fill, svg } from './dom.js'
import { inWords, timeOfDay } from './format.js'
import { gapsOf, livesOf, ticks } from './token-lives.js'

/** @import { State } from './feed.js' */
/** @import { Life } from './token-lives.js' */
/** @import { TokenMark } from '../../inspector/wire.ts' */

const HEIGHT = 112
const BAND_Y = 34
const BAND_HEIGHT = 30
const AXIS_Y = 92

const SIGNS = { obtained: '▲', unchanged: '●', failed: '✕', refused: '◆', 'held-back': '■', note: '·' }

const LIFE_SOURCES = {
  expires_in: 'as the token answer says',
  jwt: 'as the token itself says',
  introspection: 'as introspection says',
  learned: 'as learned from refusals',
  configured: 'assumed: TOKEN_LIFETIME_SECONDS',
}

const place = byId('timeline')
let lastMark = -1

/**
 * The life of the token: what was, what is, and what is to come.
 * @param {State} state
 */
export function showToken(state) {
  showFacts(state)
  showMarks(state)
  draw(state)
}

/** @param {State} state */
function showFacts({ latest }) {
  const { token } = latest.overview
  const held = token.token
  if (held === null) {
    fill(byId('token-facts'), `None held; next attempt in ${inWords(token.nextRefreshInSeconds)}`)
    return
  }
  const left = held.lifeLeftSeconds
  fill(
    byId('token-facts'),
    el('b', { class: 'mono' }, held.fingerprint),
    ' · ',
    left >= 0
      ? el('b', {}, `${inWords(left)} left`)
      : el('b', {}, `past its end by ${inWords(-left)}, and still accepted`),
    ` (${LIFE_SOURCES[held.lifeSource]}) · next refresh in ${inWords(token.nextRefreshInSeconds)} · obtained ${inWords(held.ageSeconds)} ago`,
  )
}

/** @param {State} state */
function showMarks({ marks }) {
  const last = marks.at(-1)?.n ?? 0
  if (last === lastMark) return
  lastMark = last
  fill(
    byId('marks'),
    ...marks
      .slice(-30)
      .reverse()
      .map((mark) =>
        el(
          'li',
          { class: mark.kind },
          el('time', { datetime: new Date(mark.at).toISOString() }, timeOfDay(mark.at)),
          el('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[mark.kind]),
          el(
            'span',
            {},
            mark.text,
            mark.fingerprint !== null && ' ',
            mark.fingerprint !== null && el('code', { class: 'dim' }, mark.fingerprint),
          ),
        ),
      ),
  )
}

/** @param {State} state */
function draw({ latest, marks }) {
  const { now, overview } = latest
  const { token } = overview
  const held = token.token
  const width = Math.max(280, place.clientWidth)
  const isNarrow = width < 520
  const endAt = held === null ? undefined : now + held.lifeLeftSeconds * 1000
  const dueAt = now + token.nextRefreshInSeconds * 1000
  const known = marks.findLast(({ lifeSeconds }) => lifeSeconds !== null)?.lifeSeconds ?? 600
  const lifeMs = held === null ? known * 1000 : (held.ageSeconds + Math.max(0, held.lifeLeftSeconds)) * 1000
  const from = now - Math.min(Math.max(lifeMs * 1.2, 60_000), 24 * 3_600_000)
  const to = Math.max(endAt ?? 0, dueAt, now + (now - from) * 0.12) + (now - from) * 0.06
  /** @param {number} at */
  const x = (at) => Math.round((Math.min(Math.max(at, from), to) - from) * (width / (to - from)) * 10) / 10

  const lives = livesOf(marks, now).filter((life) => life.to > from)
  const shapes = [
    svg('line', { class: 'axis', x1: 0, x2: width, y1: AXIS_Y, y2: AXIS_Y }),
    ...ticks(from, to, width / 90).map((at) =>
      svg('text', { x: x(at), y: HEIGHT - 4, 'text-anchor': anchor(x(at), width) }, clockText(at, to - from)),
    ),
    ...gapsOf(lives, from, now, held === null).map(([start, end]) =>
      svg('rect', { class: 'gap', x: x(start), y: BAND_Y, width: Math.max(2, x(end) - x(start)), height: BAND_HEIGHT }),
    ),
    ...lives.flatMap((life) => bandOf(life, x)),
    ...(endAt !== undefined && endAt > now
      ? [svg('rect', { class: 'ahead', x: x(now), y: BAND_Y, width: x(endAt) - x(now), height: BAND_HEIGHT })]
      : []),
    ...marks
      .filter((mark) => mark.at >= from && mark.kind !== 'note')
      .map((mark) =>
        svg(
          'text',
          {
            class: `mark ${mark.kind}`,
            x: x(mark.at),
            y: isBad(mark) ? BAND_Y - 5 : AXIS_Y - 8,
            'text-anchor': 'middle',
          },
          SIGNS[mark.kind],
        ),
      ),
    ...flag({
      at: x(dueAt),
      width,
      row: 0,
      kind: 'due',
      words: `${held === null ? 'next attempt' : 'refresh'}${isNarrow ? '' : ` due ${clockText(dueAt, to - from)}`}`,
    }),
    ...(endAt !== undefined && endAt > now
      ? flag({
          at: x(endAt),
          width,
          row: 1,
          kind: 'end',
          words: isNarrow ? 'end' : `end ${clockText(endAt, to - from)}`,
        })
      : []),
    svg('line', { class: 'now', x1: x(now), x2: x(now), y1: 18, y2: AXIS_Y }),
    svg('text', { class: 'now-label', x: x(now), y: 12, 'text-anchor': 'end' }, 'now'),
  ]
  const label =
    held === null
      ? 'No token is held.'
      : `Token ${held.fingerprint}: ${inWords(Math.max(0, held.lifeLeftSeconds))} left, refresh due in ${inWords(token.nextRefreshInSeconds)}.`
  fill(
    place,
    svg(
      'svg',
      { viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
      ...shapes,
    ),
  )
}

/** @param {TokenMark} mark */
function isBad({ kind }) {
  return kind === 'failed' || kind === 'refused' || kind === 'held-back'
}

/**
 * @param {Life} life
 * @param {(at: number) => number} x
 */
function bandOf({ fingerprint, from, to, isHeld }, x) {
  const [start, end] = [x(from), x(to)]
  const band = svg(
    'rect',
    {
      class: isHeld ? 'band held' : 'band',
      x: start,
      y: BAND_Y,
      width: Math.max(2, end - start - (isHeld ? 0 : 1.5)),
      height: BAND_HEIGHT,
      rx: 4,
    },
    svg('title', {}, `${fingerprint}, from ${timeOfDay(from)}${isHeld ? '' : ` to ${timeOfDay(to)}`}`),
  )
  const hasRoom = end - start > 76
  return [
    band,
    ...(hasRoom ? [svg('text', { class: isHeld ? 'name' : 'past', x: start + 8, y: BAND_Y + 19 }, fingerprint)] : []),
  ]
}

/**
 * A line at a moment to come, with its words beside it.
 * @param {{ at: number, width: number, row: number, kind: string, words: string }} flag
 */
function flag({ at, width, row, kind, words }) {
  const isRight = at > width - 110
  return [
    svg('line', { class: kind, x1: at, x2: at, y1: row === 0 ? 18 : BAND_Y - 2, y2: AXIS_Y }),
    svg(
      'text',
      { x: isRight ? at - 6 : at + 6, y: row === 0 ? 12 : 28, 'text-anchor': isRight ? 'end' : 'start' },
      words,
    ),
  ]
}

/**
 * @param {number} at
 * @param {number} span
 */
function clockText(at, span) {
  const text = timeOfDay(at)
  return span < 600_000 ? text : text.slice(0, 5)
}

/**
 * @param {number} x
 * @param {number} width
 */
function anchor(x, width) {
  return x < 30 ? 'start' : x > width - 30 ? 'end' : 'middle'
}
