import { buttonById, byId, el, fill, say } from './dom.js'
import { counted } from './format.js'
import { closeDetail, showDetail, showMissing } from './detail.js'
import { askBeforeReplay, copy } from './dialogs.js'
import { List } from './list.js'
import { toCurl } from './curl.js'

/** @import { State } from './feed.js' */
/** @import { Kind } from './list.js' */
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
  const { n, method, target, replay: offer } = detail
  if (offer.kind === 'impossible') {
    say(`No replay: ${offer.why}`)
    return
  }
  const isRisky = offer.kind === 'ask'
  const { asksForKey } = state.latest.inspector
  const agreed =
    isRisky || asksForKey
      ? await askBeforeReplay({ request: `${method} ${target}`, isRisky, asksForKey })
      : { apiKey: undefined }
  if (!agreed) return
  say('Sending it again…')
  const answer = await fetch(`/exchanges/${n}/replay${isRisky ? '?agreed=true' : ''}`, {
    method: 'POST',
    headers: {
      'x-cloudaware-proxy-page': 'replay',
      ...(agreed.apiKey !== undefined && { 'x-api-key': agreed.apiKey }),
    },
  }).catch(() => undefined)
  const told = /** @type {{ ok?: boolean, reason?: string, status?: number, requestId?: string } | undefined} */ (
    answer && (await jsonOf(answer))
  )
  if (told?.ok !== true) {
    say(`It was not sent again: ${told?.reason ?? 'the proxy could not be reached.'}`)
    return
  }
  say(`Answered with ${told.status ?? '?'}.`)
  // Its exchange may have come before this answer.
  const found = state.exchanges.find(({ id }) => id === told.requestId)
  if (found) list.choose(found.n, true)
  else awaited = told.requestId
}

/**
 * @param {Response} answer
 * @returns {Promise<unknown>} undefined where it is no JSON
 */
function jsonOf(answer) {
  return answer.json().catch(() => undefined)
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

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  const isTyping = event.target instanceof HTMLInputElement
  if (event.key === '/' && !isTyping) {
    event.preventDefault()
    filterField.focus()
    filterField.select()
    return
  }
  // Single letters mean something only where the exchanges are what one works with.
  const isHere = event.target instanceof Node && section.contains(event.target)
  if (isHere) inHere(event, isTyping)
})

/**
 * @param {KeyboardEvent} event
 * @param {boolean} isTyping
 */
function inHere(event, isTyping) {
  const isReading = event.target instanceof HTMLElement && event.target.closest('#detail') !== null
  const action = actionOf(event.key, isTyping, isReading)
  if (!action) return
  event.preventDefault()
  action()
}

/**
 * @param {string} key
 * @param {boolean} isTyping
 * @param {boolean} isReading
 * @returns {(() => void) | undefined}
 */
function actionOf(key, isTyping, isReading) {
  if (key === 'Escape') return escape
  if (key === 'ArrowDown' && !isReading)
    return () => {
      list.move(1)
    }
  if (isTyping) return undefined
  switch (key) {
    case 'ArrowUp':
      return isReading
        ? undefined
        : () => {
            list.move(-1)
          }
    case 'j':
      return () => {
        list.move(1)
      }
    case 'k':
      return () => {
        list.move(-1)
      }
    case 'Enter':
      return document.activeElement instanceof HTMLTableRowElement ? enter : undefined
    case 'c':
      return () => void copyCurl()
    case 'r':
      return () => void replay()
    case 'p':
      return () => {
        pause(pauseButton.ariaPressed !== 'true')
      }
    default:
      return undefined
  }
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
