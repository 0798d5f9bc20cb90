import { buttonById, byId, el, fill } from './dom.js'
import { counted } from './format.js'
import { closeDetail, showDetail, showMissing } from './detail.js'
import { copy } from './dialogs.js'
import { startKeys } from './keys.js'
import { List } from './list.js'
import { jsonOf, sendAgain } from './replay.js'
import { toCurl } from './curl.js'

/** @import { State } from './feed.js' */
/** @import { Kind } from './exchange-filter.js' */
/** @import { ExchangeDetail, ExchangeSummary } from '../../inspector/wire.ts' */

const section = byId('inspector')
const filterField = /** @type {HTMLInputElement} */ (byId('filter'))
const pauseButton = buttonById('pause')
const har = byId('har')
const kinds = /** @type {HTMLButtonElement[]} */ ([...section.querySelectorAll('[data-kind]')])

const list = new List((n) => void open(n))

/** @type {State | undefined} */
let state
/** @type {Kind} */
let kind = 'all'
/** @type {ExchangeDetail | undefined} */
let detail
/** The request id of a replay whose exchange is still to come. @type {string | undefined} */
let awaited

/**
 * @param {State} next
 * @param {{ exchanges: readonly ExchangeSummary[], isWhole: boolean }} fresh
 */
export function showExchanges(next, { exchanges, isWhole }) {
  state = next
  const { isOpen, latest } = next
  byId('inspector-tools').hidden = !isOpen
  byId('keys').hidden = !isOpen
  list.explain(emptyWords(next))
  list.add(exchanges, isWhole)
  if (isWhole) chooseNone()
  const { keepsBodies, kept } = latest.inspector
  fill(
    byId('inspector-facts'),
    isOpen &&
      `the last ${kept}, without credentials; ${keepsBodies ? 'with the first 16 KiB of bodies' : 'bodies only with INSPECT=true'}`,
  )
  tellCounts()
  const found = exchanges.find(({ id }) => id === awaited)
  if (found) {
    awaited = undefined
    list.choose(found.n, true)
  }
}

/**
 * Shows an exchange, from elsewhere on the page.
 * @param {number} n
 */
export function openExchange(n) {
  section.scrollIntoView({ block: 'start' })
  list.choose(n, true)
}

/** @param {State} state */
function emptyWords({ latest, isOpen }) {
  if (!isOpen) return [el('p', {}, latest.inspector.closedBecause ?? '')]
  const url = latest.overview.url ?? ''
  return [
    el('p', {}, 'No exchange yet. Send one through the proxy, without any login:'),
    el('code', {}, `curl ${url}/services/data/v67.0/limits`),
  ]
}

function tellCounts() {
  const { shown, total, heldBack } = list
  const isFiltered = filterField.value.trim() !== '' || kind !== 'all'
  pauseButton.textContent = pauseButton.ariaPressed === 'true' ? `Go on (${heldBack} new)` : 'Pause'
  har.setAttribute('href', isFiltered ? `/exchanges.har?n=${shown.map(({ n }) => n).join(',')}` : '/exchanges.har')
  har.textContent = isFiltered ? `Export ${counted(shown.length, 'exchange')} as HAR` : 'Export as HAR'
  har.toggleAttribute('hidden', total === 0 || shown.length === 0)
}

/** @param {number} n */
async function open(n) {
  const answer = await fetch(`/exchanges/${n}`).catch(() => undefined)
  // Another one was chosen meanwhile.
  if (list.chosen !== n) return
  if (!answer?.ok) {
    detail = undefined
    showMissing(
      answer ? 'It is no longer kept: only the last exchanges are.' : 'The proxy could not be reached.',
      close,
    )
    return
  }
  // What the proxy sends under this address.
  detail = /** @type {ExchangeDetail} */ (await jsonOf(answer))
  showDetail(detail, {
    onCopy: () => void copyCurl(),
    onReplay: () => void replay(),
    onClose: close,
    onOpen: openExchange,
  })
}

function close() {
  const { chosen } = list
  chooseNone()
  if (chosen === undefined) return
  const row = section.querySelector(`tr[data-n="${chosen}"]`)
  if (row instanceof HTMLElement) row.focus()
}

function chooseNone() {
  detail = undefined
  list.choose(undefined)
  closeDetail()
}

async function copyCurl() {
  if (!detail || !state) return
  const { overview, inspector } = state.latest
  await copy(toCurl(detail, { url: overview.url ?? '', asksForKey: inspector.asksForKey }), 'The curl command')
}

async function replay() {
  if (!detail || !state) return
  const requestId = await sendAgain(detail, state.latest.inspector)
  if (requestId === undefined) return
  // Its exchange may have come before this answer.
  const found = state.exchanges.find(({ id }) => id === requestId)
  if (found) list.choose(found.n, true)
  else awaited = requestId
}

function applyFilter() {
  list.filter({ words: filterField.value.toLowerCase().split(/\s+/).filter(Boolean), kind })
  tellCounts()
}

/** @param {boolean} isPaused */
function pause(isPaused) {
  pauseButton.ariaPressed = String(isPaused)
  list.pause(isPaused)
  tellCounts()
}

filterField.addEventListener('input', applyFilter)
pauseButton.addEventListener('click', () => {
  pause(pauseButton.ariaPressed !== 'true')
})
for (const button of kinds) {
  button.addEventListener('click', () => {
    kind = /** @type {Kind} */ (button.dataset.kind)
    for (const other of kinds) other.ariaPressed = String(other === button)
    applyFilter()
  })
}

function enter() {
  const row = document.activeElement
  if (!(row instanceof HTMLTableRowElement)) return
  const n = Number(row.dataset.n)
  if (list.chosen === n && detail) byId('detail').querySelector('button')?.focus()
  else list.choose(n, true)
}

function escape() {
  if (list.chosen !== undefined) {
    close()
    return
  }
  filterField.value = ''
  applyFilter()
}

startKeys(section, {
  search: () => {
    filterField.focus()
    filterField.select()
  },
  move: (step) => {
    list.move(step)
  },
  enter,
  escape,
  copy: () => void copyCurl(),
  replay: () => void replay(),
  pause: () => {
    pause(pauseButton.ariaPressed !== 'true')
  },
})
