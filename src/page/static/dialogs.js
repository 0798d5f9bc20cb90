import { byId, el, fill, say } from './dom.js'

const dialog = byId('dialog')

/** @returns {HTMLDialogElement} */
function theDialog() {
  if (!(dialog instanceof HTMLDialogElement)) throw new Error('#dialog is no dialog')
  return dialog
}

/**
 * Asks whether to send what could change something, and for a key where callers need one. Undefined: no.
 * @param {{ request: string, isRisky: boolean, asksForKey: boolean }} question
 * @returns {Promise<{ apiKey: string | undefined } | undefined>}
 */
export function askBeforeReplay({ request, isRisky, asksForKey }) {
  const { promise, resolve } = Promise.withResolvers()
  const place = theDialog()
  const key = el('input', { type: 'password', autocomplete: 'off', required: true })
  const send = el('button', { type: 'submit', class: 'primary' }, isRisky ? 'Send it again' : 'Send')
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, isRisky ? 'Send it again? It could change something' : 'A key is needed'),
    el(
      'p',
      {},
      isRisky
        ? 'The request goes to Cloudaware once more, with the rights of the run-as user. What it created, changed or deleted then, it may create, change or delete now.'
        : 'The proxy asks its callers for a key, and so it asks you. It is not kept.',
    ),
    el('pre', { tabindex: 0 }, request),
    asksForKey && el('label', {}, 'API key', key),
    el(
      'div',
      { class: 'dialog-actions' },
      el(
        'button',
        {
          type: 'button',
          autofocus: true,
          onclick: () => {
            place.close('')
          },
        },
        'Cancel',
      ),
      send,
    ),
  )
  form.addEventListener('submit', () => {
    place.returnValue = 'send'
    resolve({ apiKey: asksForKey ? key.value : undefined })
  })
  place.addEventListener(
    'close',
    () => {
      resolve(undefined)
    },
    { once: true },
  )
  place.replaceChildren(form)
  place.showModal()
  return /** @type {Promise<{ apiKey: string | undefined } | undefined>} */ (promise)
}

/**
 * Puts a text on the clipboard; where the browser does not allow it (plain http from another machine), shows it to be copied by hand.
 * @param {string} text
 * @param {string} what
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text)
    say(`${what} copied.`)
  } catch {
    const place = theDialog()
    const area = el('textarea', { rows: 10, readonly: true, 'aria-label': what })
    area.value = text
    fill(
      place,
      el('h2', { id: 'dialog-title' }, what),
      el('p', {}, 'The browser does not let this page use the clipboard: copy it from here.'),
      area,
      el(
        'div',
        { class: 'dialog-actions' },
        el(
          'button',
          {
            type: 'button',
            onclick: () => {
              place.close()
            },
          },
          'Close',
        ),
      ),
    )
    place.showModal()
    area.select()
  }
}
