/**
 * What the keys do.
 * @typedef {object} Deeds
 * @property {() => void} search
 * @property {(step: 1 | -1) => void} move
 * @property {() => void} enter
 * @property {() => void} escape
 * @property {() => void} copy
 * @property {() => void} replay
 * @property {() => void} pause
 */

/**
 * Single letters mean something only within the section, where the exchanges are what one works with; the slash everywhere.
 * @param {HTMLElement} section
 * @param {Deeds} deeds
 */
export function startKeys(section, deeds) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    const { target } = event
    const isTyping = target instanceof HTMLInputElement
    const isReading = target instanceof Element && target.closest('#detail') !== null
    const isHere = target instanceof Node && section.contains(target)
    const deed =
      event.key === '/' && !isTyping
        ? deeds.search
        : isHere
          ? deedOf(event.key, { isTyping, isReading }, deeds)
          : undefined
    if (!deed) return
    event.preventDefault()
    deed()
  })
}

/**
 * @param {string} key
 * @param {{ isTyping: boolean, isReading: boolean }} where
 * @param {Deeds} deeds
 * @returns {(() => void) | undefined}
 */
function deedOf(key, { isTyping, isReading }, { move, enter, escape, copy, replay, pause }) {
  const down = () => {
    move(1)
  }
  const up = () => {
    move(-1)
  }
  if (key === 'Escape') return escape
  // In the details the arrows scroll.
  if (key === 'ArrowDown' && !isReading) return down
  if (isTyping) return undefined
  switch (key) {
    case 'ArrowUp':
      return isReading ? undefined : up
    case 'j':
      return down
    case 'k':
      return up
    case 'Enter':
      return document.activeElement instanceof HTMLTableRowElement ? enter : undefined
    case 'c':
      return copy
    case 'r':
      return replay
    case 'p':
      return pause
    default:
      return undefined
  }
}
