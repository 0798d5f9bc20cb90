import { el } from './dom.js'
import { bytes, milliseconds, timeOfDay } from './format.js'

/** @import { ExchangeSummary } from '../../inspector/wire.ts' */

/**
 * An exchange in the list.
 * @param {ExchangeSummary} exchange
 */
export function rowOf({
  n,
  startedAt,
  method,
  target,
  status,
  ms,
  upstreamMs,
  bytesOut,
  isResent,
  isBrokenOff,
  problem,
  replayOf,
}) {
  const queryAt = target.indexOf('?')
  const [whole, query] = queryAt === -1 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt)]
  // What all of them begin with tells nothing; where there is little room it gives way.
  const prefix = /^\/services\/data\/v\d+\.\d+(?=\/)/.exec(whole)?.[0] ?? ''
  const path = whole.slice(prefix.length)
  return el(
    'tr',
    { role: 'row', 'data-n': n, tabindex: -1, 'aria-selected': 'false' },
    el('td', { role: 'gridcell' }, el('time', { datetime: new Date(startedAt).toISOString() }, timeOfDay(startedAt))),
    el('td', { role: 'gridcell' }, method),
    el(
      'td',
      { role: 'gridcell', class: 'path', title: target },
      replayOf !== null && el('span', { class: 'tag accent' }, `replay of ${replayOf}`),
      isResent &&
        el(
          'span',
          { class: 'tag accent', title: 'Its session had died: it was sent once more with a new token.' },
          'resent',
        ),
      problem !== null &&
        el(
          'span',
          { class: 'tag bad' },
          problem.code
            .replace(/^PROXY_/, '')
            .toLowerCase()
            .replaceAll('_', ' '),
        ),
      isBrokenOff && el('span', { class: 'tag bad' }, 'broken off'),
      prefix !== '' && el('span', { class: 'prefix' }, prefix),
      path,
      query !== '' && el('span', { class: 'query' }, query),
    ),
    el(
      'td',
      { role: 'gridcell' },
      el('span', { class: `status s${Math.floor((status ?? 500) / 100)}` }, status ?? 'none'),
    ),
    el(
      'td',
      {},
      el('div', { class: 'times' }, spark(ms, upstreamMs ?? 0), el('span', { class: 'number' }, milliseconds(ms))),
    ),
    el('td', { role: 'gridcell', class: 'number size' }, bytes(bytesOut)),
  )
}

/**
 * How long, at a glance (a second fills it), and whose time it was.
 * @param {number} ms
 * @param {number} upstreamMs
 */
function spark(ms, upstreamMs) {
  const scale = Math.min(1, Math.log10(1 + ms) / 3.3) / Math.max(ms, 0.1)
  const own = el('i')
  const upstream = el('i')
  own.style.width = `${Math.max(0, ms - upstreamMs) * scale * 100}%`
  upstream.style.width = `${upstreamMs * scale * 100}%`
  return el('span', { class: 'spark', 'aria-hidden': 'true' }, own, upstream)
}
