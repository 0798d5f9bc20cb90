import { byId, el, fill } from './dom.js'
import { matches } from './exchange-filter.js'
import { rowOf } from './exchange-row.js'

/** @import { ExchangeSummary } from '../../inspector/wire.ts' */
/** @import { Filter } from './exchange-filter.js' */

const KEPT = 200
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
