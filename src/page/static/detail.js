import { byId, el, fill } from './dom.js'
import { bytes, milliseconds, timeOfDay } from './format.js'
import { body, pre, sizeOf } from './shown-body.js'

/** @import { ExchangeDetail, Field } from '../../inspector/wire.ts' */

/** @type {Field} */
const OWN_TOKEN = ['Authorization', '(the proxy’s own token, which is never kept)']

const place = byId('detail')
const panes = byId('panes')

/**
 * @typedef {object} Actions
 * @property {() => void} onCopy
 * @property {() => void} onReplay
 * @property {() => void} onClose
 * @property {(n: number) => void} onOpen
 */

export function closeDetail() {
  panes.classList.remove('is-split')
  place.replaceChildren()
}

/**
 * @param {string} why
 * @param {() => void} onClose
 */
export function showMissing(why, onClose) {
  panes.classList.add('is-split')
  fill(place, el('div', { class: 'detail-head' }, el('h3', {}, why), closeButton(onClose)))
}

/**
 * Everything that is kept of an exchange.
 * @param {ExchangeDetail} exchange
 * @param {Actions} actions
 */
export function showDetail(exchange, { onCopy, onReplay, onClose, onOpen }) {
  const { n, method, target, status, upstreamMs, problem, replay, replayOf, requestHeaders, answerHeaders } = exchange
  panes.classList.add('is-split')
  place.replaceChildren()
  place.scrollTop = 0
  fill(
    place,
    el(
      'div',
      { class: 'detail-head' },
      el(
        'h3',
        {},
        el('span', { class: `status s${Math.floor((status ?? 500) / 100)}` }, status ?? 'no answer'),
        ` ${method} ${target}`,
      ),
      closeButton(onClose),
    ),
    el(
      'div',
      { class: 'detail-actions' },
      el('button', { type: 'button', onclick: onCopy }, 'Copy as curl'),
      el(
        'button',
        { type: 'button', onclick: onReplay, disabled: replay.kind === 'impossible' },
        replay.kind === 'ask' ? 'Replay…' : 'Replay',
      ),
      el('a', { class: 'button', href: `/exchanges.har?n=${n}`, download: `exchange-${n}.har` }, 'HAR'),
    ),
    replay.kind === 'impossible' && el('p', { class: 'why' }, `No replay: ${replay.why}`),
    problem !== null &&
      el('div', { class: 'diagnosis' }, el('p', {}, el('b', {}, problem.code)), el('p', {}, problem.message)),
    times(exchange),
    el('dl', { class: 'facts-list' }, ...facts(exchange, replayOf, onOpen)),
    part(
      upstreamMs === null ? 'Request headers, without any session' : 'Request headers, as sent to Cloudaware',
      requestHeaders === null
        ? el(
            'p',
            { class: 'note' },
            'Nothing was sent to Cloudaware: the proxy answered itself, and keeps no headers of such requests.',
          )
        : fields(upstreamMs === null ? requestHeaders : [...requestHeaders, OWN_TOKEN]),
    ),
    part(['Request body', sizeOf(exchange.requestBody)], body(exchange.requestBody)),
    part(
      'Answer headers',
      answerHeaders === null
        ? el('p', { class: 'note' }, problem === null ? 'No answer came.' : 'The proxy answered itself.')
        : fields(answerHeaders),
    ),
    part(
      ['Answer body', sizeOf(exchange.answerBody)],
      problem !== null && answerHeaders === null
        ? pre(JSON.stringify([{ errorCode: problem.code, message: problem.message }], undefined, 2))
        : body(exchange.answerBody),
    ),
  )
}

/** @param {() => void} onClose */
function closeButton(onClose) {
  return el('button', { type: 'button', class: 'plain', 'aria-label': 'Close the details', onclick: onClose }, '✕')
}

/** @param {ExchangeDetail} exchange */
function times({ ms, upstreamMs }) {
  const own = Math.max(0, ms - (upstreamMs ?? 0))
  const [ownBar, upstreamBar] = [el('i'), el('i')]
  ownBar.style.width = `${(own / Math.max(ms, 0.1)) * 100}%`
  upstreamBar.style.width = `${((upstreamMs ?? 0) / Math.max(ms, 0.1)) * 100}%`
  return el(
    'div',
    {},
    el('div', { class: 'split-bar', 'aria-hidden': 'true' }, ownBar, upstreamBar),
    el(
      'p',
      { class: 'split-words' },
      el('span', {}, el('span', { class: 'swatch own' }), `this proxy ${milliseconds(own)}`),
      el(
        'span',
        {},
        el('span', { class: 'swatch' }),
        upstreamMs === null ? 'nothing was sent to Cloudaware' : `Cloudaware ${milliseconds(upstreamMs)}`,
      ),
    ),
  )
}

/**
 * @param {ExchangeDetail} exchange
 * @param {number | null} replayOf
 * @param {(n: number) => void} onOpen
 */
function facts(
  { n, id, startedAt, family, caller, bytesIn, bytesOut, sfdcRequestId, isResent, isBrokenOff },
  replayOf,
  onOpen,
) {
  /** @type {(readonly [string, string | Node])[]} */
  const rows = [
    ['Number', `${n}, at ${timeOfDay(startedAt)}`],
    ['API family', family],
    ['Request id', id],
    ...(sfdcRequestId === null ? [] : [/** @type {const} */ (['x-sfdc-request-id', sfdcRequestId])]),
    ...(caller === null ? [] : [/** @type {const} */ (['Caller', caller])]),
    ['Bytes', `${bytes(bytesIn)} sent, ${bytes(bytesOut)} received`],
    ...(isResent
      ? [/** @type {const} */ (['Session', 'It had died: the request was sent once more, with a new token.'])]
      : []),
    ...(isBrokenOff ? [/** @type {const} */ (['Broken off', 'The answer did not reach the caller whole.'])] : []),
    ...(replayOf === null
      ? []
      : [
          /** @type {const} */ ([
            'Replay of',
            el(
              'button',
              {
                type: 'button',
                class: 'link',
                onclick: () => {
                  onOpen(replayOf)
                },
              },
              `exchange ${replayOf}`,
            ),
          ]),
        ]),
  ]
  return rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])
}

/**
 * @param {string | readonly [string, string]} title
 * @param {Node} content
 */
function part(title, content) {
  const [name, remark] = typeof title === 'string' ? [title, ''] : title
  return el(
    'details',
    { open: true },
    el('summary', {}, name, remark !== '' && el('span', { class: 'dim' }, ` ${remark}`)),
    content,
  )
}

/** @param {readonly Field[]} list */
function fields(list) {
  return el(
    'table',
    { class: 'fields' },
    el(
      'tbody',
      {},
      ...list.map(([name, value]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value))),
    ),
  )
}
