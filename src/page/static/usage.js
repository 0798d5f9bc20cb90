import { byId, el, fill } from './dom.js'
import { whole } from './format.js'

/** @import { Update } from '../../inspector/wire.ts' */

/**
 * What is used of what is allowed: API requests, token requests; and how many connections work.
 * @param {Update} update
 */
export function showUsage({ allowance, overview }) {
  const { budget } = overview.token
  const { active, waiting } = overview.connections
  fill(
    byId('usage'),
    ...(allowance.length === 0
      ? [el('p', { class: 'empty' }, 'API requests: known with the first answer (Sforce-Limit-Info).')]
      : allowance.map(({ scope, used, total }) =>
          meter(scope === 'org' ? 'API requests of the org, 24 h' : 'API requests of this app, 24 h', used, total),
        )),
    meter('Token requests, this hour', budget.used, budget.limit),
    el(
      'p',
      { class: 'facts' },
      el('b', {}, whole(active)),
      ` ${active === 1 ? 'request is' : 'requests are'} at Cloudaware, `,
      el('b', {}, whole(waiting)),
      ' waiting for a connection',
    ),
  )
}

/**
 * @param {string} name
 * @param {number} used
 * @param {number} total
 */
function meter(name, used, total) {
  const share = total === 0 ? 0 : Math.min(1, used / total)
  const level = share >= 0.95 ? 'bad' : share >= 0.8 ? 'warn' : 'good'
  const fillBar = el('div')
  fillBar.style.width = `${share * 100}%`
  const percent = share > 0 && share < 0.01 ? 'under 1 %' : `${Math.round(share * 100)} %`
  return el(
    'div',
    {},
    el('div', { class: 'meter-head' }, el('span', {}, name), el('b', {}, percent)),
    el(
      'div',
      {
        class: `meter ${level}`,
        role: 'meter',
        'aria-label': name,
        'aria-valuemin': 0,
        'aria-valuemax': total,
        'aria-valuenow': used,
      },
      fillBar,
    ),
    el('p', { class: 'facts' }, `${whole(used)} of ${whole(total)}`),
  )
}
