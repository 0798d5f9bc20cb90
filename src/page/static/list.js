import { byId, el, fill } from './dom.js'
import { bytes, milliseconds, timeOfDay } from './format.js'

/** @import { ExchangeSummary } from '../../inspector/wire.ts' */

/**
 * @typedef {'all' | 'failed' | 'changes' | 'again'} Kind
 * @typedef {{ words: readonly string[], kind: Kind }} Filter
 */

const KEPT = 200
const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * @param {ExchangeSummary} exchange
 * @param {Filter} filter
 */
function matches(exchange, { words, kind }) {
  const { method, status, problem, isBrokenOff, isResent, replayOf } = exchange
  const hasFailed = isBrokenOff || status === null || status >= 400
  if (kind === 'failed' && !hasFailed) return false
  if (kind === 'changes' && READS.has(method)) return false
  if (kind === 'again' && !isResent && replayOf === null) return false
  if (words.length === 0) return true
  const text = [
    ...[
      method,
      exchange.target,
      status ?? 'none',
      exchange.family,
      exchange.caller ?? '',
      exchange.id,
      problem?.code ?? '',
    ],
    ...[isResent ? 'resent' : '', replayOf === null ? '' : 'replay', isBrokenOff ? 'broken' : ''],
  ]
    .join(' ')
    .toLowerCase()
  return words.every((word) =>
    word.startsWith('-') && word.length > 1 ? !text.includes(word.slice(1)) : text.includes(word),
  )
}

/** The list of exchanges, latest first. Rows stay the same elements, so that focus and selection survive what comes. */
export class List {
  /** @type {ExchangeSummary[]} oldest first */
  #exchanges = []
  /** @type {Map<number, HTMLTableRowElement>} */
  #rows = new Map()
  /** @type {Filter} */
  #filter = { words: [], kind: 'all' }
  /** @type {number | undefined} */
  #chosen
  #isPaused = false
  /** @type {ExchangeSummary[]} */
  #held = []
  #body = el('tbody')
  #place = byId('list')
  #empty = el('div', { class: 'empty' })
  #emptyWords = /** @type {readonly (Node | string)[]} */ ([])
  #table
  /** @type {(n: number) => void} */
  #onChoose

  /** @param {(n: number) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose
    this.#table = el(
      'table',
      { role: 'grid', 'aria-labelledby': 'inspector-title' },
      el(
        'thead',
        {},
        el(
          'tr',
          { role: 'row' },
          el('th', { role: 'columnheader', scope: 'col', class: 'col-time' }, 'Time'),
          el('th', { role: 'columnheader', scope: 'col', class: 'col-method' }, 'Method'),
          el('th', { role: 'columnheader', scope: 'col' }, 'Path'),
          el('th', { role: 'columnheader', scope: 'col', class: 'col-status' }, 'Status'),
          el('th', { role: 'columnheader', scope: 'col', class: 'col-ms number' }, 'Time taken'),
          el('th', { role: 'columnheader', scope: 'col', class: 'col-size number' }, 'Size'),
        ),
      ),
      this.#body,
    )
    this.#body.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('tr') : null
      if (row?.dataset.n !== undefined) this.choose(Number(row.dataset.n), true)
    })
    this.#place.append(this.#table, this.#empty)
  }

  get chosen() {
    return this.#chosen
  }

  get heldBack() {
    return this.#held.length
  }

  /** @returns {ExchangeSummary[]} latest first */
  get shown() {
    return this.#exchanges.filter((exchange) => matches(exchange, this.#filter)).reverse()
  }

  /** @returns {number} */
  get total() {
    return this.#exchanges.length
  }

  /**
   * @param {readonly ExchangeSummary[]} exchanges
   * @param {boolean} isWhole
   */
  add(exchanges, isWhole) {
    if (isWhole) {
      this.#exchanges = []
      this.#held = []
      this.#rows.clear()
      this.#body.replaceChildren()
    }
    if (this.#isPaused) {
      this.#held = [...this.#held, ...exchanges].slice(-KEPT)
      return
    }
    for (const exchange of exchanges) {
      this.#exchanges.push(exchange)
      const row = rowOf(exchange)
      this.#rows.set(exchange.n, row)
      row.hidden = !matches(exchange, this.#filter)
      this.#body.prepend(row)
    }
    for (const old of this.#exchanges.splice(0, Math.max(0, this.#exchanges.length - KEPT))) {
      this.#rows.get(old.n)?.remove()
      this.#rows.delete(old.n)
    }
    if (exchanges.length > 0 || isWhole) this.#refresh()
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this.#isPaused = isPaused
    if (isPaused) return
    const held = this.#held
    this.#held = []
    this.add(held, false)
  }

  /** @param {Filter} filter */
  filter(filter) {
    this.#filter = filter
    for (const exchange of this.#exchanges) {
      const row = this.#rows.get(exchange.n)
      if (row) row.hidden = !matches(exchange, filter)
    }
    this.#refresh()
  }

  /**
   * What stands there where there is nothing to list.
   * @param {readonly (Node | string)[]} words
   */
  explain(words) {
    this.#emptyWords = words
    this.#refresh()
  }

  /**
   * @param {number | undefined} n
   * @param {boolean} [isTold]
   */
  choose(n, isTold = false) {
    const former = this.#chosen === undefined ? undefined : this.#rows.get(this.#chosen)
    former?.setAttribute('aria-selected', 'false')
    this.#chosen = n
    if (n === undefined) {
      this.#refresh()
      return
    }
    const row = this.#rows.get(n)
    if (row) {
      row.setAttribute('aria-selected', 'true')
      row.hidden = false
    }
    this.#refresh()
    row?.focus()
    row?.scrollIntoView({ block: 'nearest' })
    if (isTold) this.#onChoose(n)
  }

  /**
   * To the next row (1) or the one before (-1).
   * @param {1 | -1} step
   */
  move(step) {
    const rows = [...this.#body.rows].filter((row) => !row.hidden)
    const focused = document.activeElement instanceof HTMLTableRowElement ? rows.indexOf(document.activeElement) : -1
    const at = focused === -1 ? rows.findIndex((row) => Number(row.dataset.n) === this.#chosen) : focused
    const next = rows[at === -1 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]
    if (next) this.choose(Number(next.dataset.n), true)
  }

  /** One row takes part in the order of Tab: the chosen one, else the first. */
  #refresh() {
    const rows = [...this.#body.rows].filter((row) => !row.hidden)
    const entry = rows.find((row) => Number(row.dataset.n) === this.#chosen) ?? rows[0]
    for (const row of rows) row.tabIndex = row === entry ? 0 : -1
    this.#table.hidden = rows.length === 0
    this.#empty.hidden = rows.length > 0
    if (rows.length === 0) {
      fill(
        this.#empty,
        ...(this.#exchanges.length > 0
          ? [el('p', {}, `None of the ${this.#exchanges.length} exchanges matches the filter.`)]
          : this.#emptyWords),
      )
    }
  }
}

/** @param {ExchangeSummary} exchange */
function rowOf({
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
