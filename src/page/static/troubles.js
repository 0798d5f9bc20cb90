import { byId, el, fill } from './dom.js'
import { ago, timeOfDay } from './format.js'
import { stepsOf } from './verdict.js'

/** @import { Trouble, Update } from '../../inspector/wire.ts' */

const FAR_BACK_MS = 600_000

/**
 * The last troubles with what mends them.
 * @param {Update} update
 * @param {(n: number) => void} open shows an exchange
 */
export function showTroubles({ troubles, now, overview, exchanges }, open) {
  const lasting = troubles.filter((trouble) => trouble.resolvedAt === null && now - trouble.lastAt < FAR_BACK_MS).length
  fill(
    byId('troubles-facts'),
    troubles.length === 0
      ? ''
      : lasting === 0
        ? 'none of it in the last ten minutes'
        : `${lasting} in the last ten minutes`,
  )
  if (!hasChanged(troubles, now, overview.token.failure?.diagnosis.code)) return
  fill(
    byId('troubles'),
    ...(troubles.length === 0
      ? [el('p', { class: 'empty' }, `Nothing, since ${overview.startedAt.slice(0, 16).replace('T', ' ')} UTC.`)]
      : troubles
          .slice(0, 8)
          .map((trouble) =>
            row(trouble, { now, isAbove: isAbove(trouble, overview), open: exchanges === null ? undefined : open }),
          )),
  )
}

let shown = ''

/**
 * @param {readonly Trouble[]} troubles
 * @param {number} now
 * @param {string | undefined} failing
 */
function hasChanged(troubles, now, failing) {
  // "… ago" is made anew every ten seconds: a selection in the text should live that long.
  const key = JSON.stringify([troubles, Math.floor(now / 10_000), failing])
  if (key === shown || byId('troubles').contains(document.activeElement)) return false
  shown = key
  return true
}

/**
 * What to do is told at the top of the page already.
 * @param {Trouble} trouble
 * @param {Update['overview']} overview
 */
function isAbove({ source, code, resolvedAt }, { token }) {
  return source === 'token' && resolvedAt === null && token.failure?.diagnosis.code === code
}

/**
 * @param {Trouble} trouble
 * @param {{ now: number, isAbove: boolean, open: ((n: number) => void) | undefined }} context
 */
function row({ code, summary, answered, steps, count, lastAt, resolvedAt, exchange }, { now, isAbove, open }) {
  const weight = resolvedAt !== null ? 'good' : now - lastAt < FAR_BACK_MS ? 'bad' : ''
  const said = [...(answered === null ? [] : [{ where: 'The login host said', text: answered }]), ...steps]
  return el(
    'article',
    { class: 'trouble' },
    el(
      'div',
      { class: 'trouble-head' },
      el('span', { class: `tag ${weight}` }, resolvedAt === null ? code : `over: ${code}`),
      el('h3', {}, summary),
      el(
        'span',
        { class: 'facts' },
        `${count > 1 ? `${count} times, last ` : ''}${timeOfDay(lastAt)}, ${ago(lastAt, now)}`,
        isAbove && '; what mends it is said above',
      ),
      open !== undefined && exchange !== null && showButton(exchange, open),
    ),
    !isAbove && said.length > 0 && stepsOf(said),
  )
}

/**
 * @param {number} n
 * @param {(n: number) => void} open
 */
function showButton(n, open) {
  const onclick = () => {
    open(n)
  }
  return el('button', { type: 'button', class: 'link', onclick }, 'Show the exchange')
}
