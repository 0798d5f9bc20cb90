import { buttonById, byId, el, fill, say } from './dom.js'
import { ago, hostOf, inWords, timeOfDay } from './format.js'

/** @import { Trouble, Update } from '../../inspector/wire.ts' */

const section = byId('verdict')
const title = byId('verdict-title')
const text = byId('verdict-text')
const trouble = byId('verdict-trouble')
const refresh = buttonById('refresh')

refresh.addEventListener('click', () => {
  refresh.disabled = true
  say('Asking for a token…')
  fetch('/refresh', { method: 'POST' })
    .then((answer) => {
      say(answer.ok ? 'The token was refreshed.' : 'The token could not be refreshed: see above.')
    })
    .catch(() => {
      say('The proxy could not be reached.')
    })
    .finally(() => {
      refresh.disabled = false
    })
})

/**
 * Does it serve? In words that can be read at a glance, with what mends it where it does not.
 * @param {Update} update
 * @param {boolean} hadToken there was one before
 */
export function showVerdict({ overview, now }, hadToken) {
  const { token, isDraining, url, upstream, startedAt } = overview
  const [state, words] = verdictOf(token.state, isDraining, hadToken)
  change(state, words)
  fill(
    text,
    el('b', {}, url ?? ''),
    ' → ',
    el('b', {}, hostOf(upstream)),
    ` · up ${inWords((now - Date.parse(startedAt)) / 1000)}`,
    token.token === null && ` · next attempt in ${inWords(token.nextRefreshInSeconds)}`,
  )
  refresh.hidden = false
  refresh.textContent = token.token === null ? 'Try again now' : 'Refresh the token now'
  const { failure, pause } = token
  trouble.hidden = pause === null
  if (pause === null) return
  const { reason, waitingFor, since, until, fix } = pause
  const waiting = {
    where: 'Waiting',
    text: `for ${waitingFor}, since ${timeOfDay(Date.parse(since))}, until ${timeOfDay(Date.parse(until))}`,
  }
  if (failure?.diagnosis.summary === reason) {
    const { diagnosis, error, description, inARow } = failure
    keepOpen(`${diagnosis.code} ${inARow} ${description} ${waiting.text}`, () => [
      el('h3', {}, reason),
      stepsOf([
        waiting,
        {
          where: 'The login host said',
          text: `${error}${description === '' ? '' : `: ${description}`} (${inARow} in a row)`,
        },
        { where: 'Connected App', text: diagnosis.fix },
        { where: 'External Client App', text: diagnosis.externalClientApp },
        { where: 'Login History shows', text: diagnosis.loginHistory },
      ]),
    ])
  } else {
    keepOpen(`${reason} ${waiting.text}`, () => [
      el('h3', {}, reason),
      stepsOf([waiting, { where: 'What to do', text: fix }]),
    ])
  }
}

/**
 * Nobody is there.
 * @param {string} why
 * @param {number | undefined} since
 */
export function showAway(why, since) {
  change('away', why)
  trouble.hidden = true
  refresh.hidden = true
  fill(
    text,
    since === undefined
      ? 'Trying to reach it every two seconds.'
      : `Last heard at ${timeOfDay(since)}, ${ago(since, Date.now())}. What is below is as it was then; trying again every two seconds.`,
  )
}

/**
 * @param {Update['overview']['token']['state']} state
 * @param {boolean} isDraining
 * @param {boolean} hadToken
 * @returns {readonly [string, string]}
 */
function verdictOf(state, isDraining, hadToken) {
  if (isDraining) return ['warn', 'Stopping: it finishes what is under way']
  switch (state) {
    case 'ready':
      return ['good', 'Serving']
    case 'degraded':
      return ['warn', 'Serving, but the token cannot be replaced']
    case 'starting':
      return ['warn', hadToken ? 'Waiting for a new token' : 'Starting: waiting for the first token']
    case 'unavailable':
      return ['bad', 'Not serving: it holds no token']
  }
}

/**
 * @param {string} state
 * @param {string} words
 */
function change(state, words) {
  section.dataset.state = state
  if (title.textContent !== words) title.textContent = words
  const mark = { good: '●', warn: '▲', bad: '◆' }[state] ?? '○'
  document.title = `${mark} ${words} · cloudaware-proxy`
}

let shown = ''

/**
 * Only what changed is made anew: a selection in it survives.
 * @param {string} key
 * @param {() => readonly Node[]} make
 */
function keepOpen(key, make) {
  if (shown === key) return
  shown = key
  fill(trouble, ...make())
}

/**
 * @param {Trouble['steps']} steps
 */
export function stepsOf(steps) {
  return el('dl', { class: 'steps' }, ...steps.flatMap((step) => [el('dt', {}, step.where), el('dd', {}, step.text)]))
}
