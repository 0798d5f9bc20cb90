import { buttonById } from './dom.js'

/** @typedef {'auto' | 'light' | 'dark'} Choice */

const KEY = 'cloudaware-proxy-colours'
const CHOICES = /** @type {const} */ (['auto', 'light', 'dark'])
const button = buttonById('theme')
const system = matchMedia('(prefers-color-scheme: dark)')

/** @type {Choice} */
let choice = CHOICES.find((known) => known === localStorage.getItem(KEY)) ?? 'auto'

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
    localStorage.setItem(KEY, choice)
    apply()
  })
  apply()
}
