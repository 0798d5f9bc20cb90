import { el } from './dom.js'
import { bytes } from './format.js'

/** @import { ShownBody } from '../../inspector/wire.ts' */

/** @param {ShownBody} shown */
export function sizeOf(shown) {
  if (shown.kind === 'none') return ''
  const type = shown.kind === 'unasked' ? '' : shown.type.split(';')[0]
  return [
    bytes(shown.bytes),
    type,
    shown.kind === 'text' && shown.coding !== null ? `decoded from ${shown.coding}` : '',
  ]
    .filter(Boolean)
    .join(', ')
}

/** @param {ShownBody} shown */
export function body(shown) {
  switch (shown.kind) {
    case 'none':
      return el('p', { class: 'note' }, 'None.')
    case 'unasked':
      return el(
        'p',
        { class: 'note' },
        'Bodies are not kept: start the proxy with ',
        el('code', {}, 'INSPECT=true'),
        ' to see their first 16 KiB.',
      )
    case 'binary':
      return el('p', { class: 'note' }, 'Binary, or in a coding that is not read here.')
    case 'text':
      return el(
        'div',
        {},
        pre(laidOut(shown.text)),
        shown.isCut && el('p', { class: 'note warn' }, 'Only the beginning is kept.'),
        shown.isRedacted && el('p', { class: 'note warn' }, 'Credentials in it were blanked.'),
      )
  }
}

/** @param {string} text */
export function pre(text) {
  return el('pre', { class: 'body-text', tabindex: 0 }, text)
}

/** @param {string} text */
function laidOut(text) {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}
