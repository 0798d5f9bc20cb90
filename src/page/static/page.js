import { resetCharts, showTraffic } from './charts.js'
import { byId, el, fill } from './dom.js'
import { listen } from './feed.js'
import { openExchange, showExchanges } from './inspector.js'
import { startTheme } from './theme.js'
import { showToken } from './timeline.js'
import { showTroubles } from './troubles.js'
import { showUsage } from './usage.js'
import { showAway, showVerdict } from './verdict.js'

const contact = byId('contact')

/**
 * @param {'live' | 'away'} state
 * @param {string} words
 */
function showContact(state, words) {
  document.body.dataset.contact = state
  if (contact.textContent !== words) contact.textContent = words
}

startTheme(resetCharts)
fill(byId('verdict-text'), 'Waiting for its first word.')
fill(byId('timeline'), el('p', { class: 'empty' }, 'Not known yet.'))

listen({
  onState: (state, fresh) => {
    showContact('live', 'Live')
    byId('version').textContent = state.latest.overview.version
    showVerdict(
      state.latest,
      state.marks.some(({ kind }) => kind === 'obtained'),
    )
    showToken(state)
    showTraffic(state)
    showUsage(state.latest)
    showTroubles(state.latest, openExchange)
    showExchanges(state, fresh)
  },
  onAway: (why, since) => {
    showContact('away', 'Not connected')
    showAway(why, since)
  },
})
