/**
 * A length of time in at most two units.
 * @param {number} seconds
 * @returns {string}
 */
export function inWords(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 10) return join(minutes, 'min', whole % 60, 's')
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return join(hours, 'h', minutes % 60, 'min')
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/**
 * @param {number} large
 * @param {string} largeUnit
 * @param {number} small
 * @param {string} smallUnit
 */
function join(large, largeUnit, small, smallUnit) {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/**
 * @param {number} ms
 * @returns {string}
 */
export function milliseconds(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  return inWords(ms / 1000)
}

/**
 * @param {number} count
 * @returns {string}
 */
export function bytes(count) {
  if (count < 1000) return `${count} B`
  if (count < 1_000_000) return `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)} kB`
  return `${(count / 1_000_000).toFixed(count < 10_000_000 ? 1 : 0)} MB`
}

/**
 * @param {number} value
 * @returns {string}
 */
export function whole(value) {
  return Math.round(value).toLocaleString('en')
}

/**
 * Local time of day.
 * @param {number} at epoch milliseconds
 * @returns {string}
 */
export function timeOfDay(at) {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/**
 * @param {number} at epoch milliseconds
 * @param {number} now epoch milliseconds
 * @returns {string}
 */
export function ago(at, now) {
  const seconds = (now - at) / 1000
  return seconds < 2 ? 'just now' : `${inWords(seconds)} ago`
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`
}

/**
 * @param {string} url
 */
export function hostOf(url) {
  return URL.parse(url)?.host ?? url
}
