import { buttonById } from './dom.js'

/** @typedef {'auto' | 'light' | 'dark'} Choice */

const KEY = 'cloudaware-proxy-colours'
const CHOICES = /** @type {const} */ (['auto', 'light', 'dark'])
const button = buttonById('theme')
const system = matchMedia('(prefers-color-scheme: dark)')

/** @type {Choice} */
let choice = remembered()

/**
 * Colours as the system has them, until somebody chooses. `onChange`: what is drawn has to be drawn anew.
 * @param {() => void} onChange
 */
export function startTheme(onChange) {
  const apply = () => {
    const isDark = choice === 'dark' || (choice === 'auto' && system.matches)
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
    button.textContent = `Colours: ${choice}`
    onChange()
  }
  system.addEventListener('change', apply)
  button.addEventListener('click', () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? 'auto'
    remember(choice)
    apply()
  })
  apply()
}

// A browser may keep nothing for any page, and says so by an error.

/** @returns {Choice} */
function remembered() {
  try {
    return CHOICES.find((known) => known === localStorage.getItem(KEY)) ?? 'auto'
  } catch {
    return 'auto'
  }
}

/** @param {Choice} chosen */
function remember(chosen) {
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // It holds until the page is left.
  }
}
