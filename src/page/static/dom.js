/*
 * Everything that the page shows is made here, as elements and text nodes: nothing is ever read as markup, since paths, fields and
 * bodies are whatever somebody sent. The Content-Security-Policy forbids the rest.
 */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Readonly<Record<string, string | number | boolean | undefined | null | ((event: Event) => void)>>} Attributes
 */

/**
 * An element; attributes by their names, listeners as `onclick` and the like.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {readonly Child[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  dress(element, attributes)
  append(element, children)
  return element
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {readonly Child[]} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  dress(element, attributes)
  append(element, children)
  return element
}

/**
 * Replaces what is in it, unless it would look the same: then a selection or a focus in it stays.
 * @param {Element} parent
 * @param {readonly Child[]} children
 */
export function fill(parent, ...children) {
  const next = /** @type {Element} */ (parent.cloneNode(false))
  append(next, children)
  if (!next.isEqualNode(parent)) parent.replaceChildren(...next.childNodes)
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice('on'.length), value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
}

/**
 * @param {Element} parent
 * @param {readonly Child[]} children
 */
function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue
    parent.append(typeof child === 'number' ? String(child) : child)
  }
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/**
 * @param {string} id
 * @returns {HTMLButtonElement}
 */
export function buttonById(id) {
  const found = byId(id)
  if (!(found instanceof HTMLButtonElement)) throw new Error(`#${id} is no button`)
  return found
}

let saying = 0

/**
 * Says something in passing; read aloud, too.
 * @param {string} words
 */
export function say(words) {
  const place = byId('said')
  place.textContent = words
  clearTimeout(saying)
  saying = window.setTimeout(() => {
    place.textContent = ''
  }, 4000)
}
