import { askBeforeReplay } from './dialogs.js'
import { say } from './dom.js'

/** @import { ExchangeDetail } from '../../inspector/wire.ts' */

/**
 * Has the proxy send a request once more, after asking where it could change something.
 * @param {ExchangeDetail} exchange
 * @param {{ asksForKey: boolean }} proxy
 * @returns {Promise<string | undefined>} the request id of the new exchange; undefined where there is none
 */
export async function sendAgain({ n, method, target, replay }, { asksForKey }) {
  if (replay.kind === 'impossible') {
    say(`No replay: ${replay.why}`)
    return undefined
  }
  const isRisky = replay.kind === 'ask'
  const request = `${method} ${target}`
  const agreed = isRisky || asksForKey ? await askBeforeReplay({ request, isRisky, asksForKey }) : { apiKey: undefined }
  if (!agreed) return undefined
  say('Sending it again…')
  const answer = await fetch(`/exchanges/${n}/replay${isRisky ? '?agreed=true' : ''}`, {
    method: 'POST',
    headers: {
      'x-cloudaware-proxy-page': 'replay',
      ...(agreed.apiKey !== undefined && { 'x-api-key': agreed.apiKey }),
    },
  }).catch(() => undefined)
  const told = /** @type {{ ok?: boolean, reason?: string, status?: number, requestId?: string } | undefined} */ (
    answer && (await jsonOf(answer))
  )
  if (told?.ok !== true) {
    say(`It was not sent again: ${told?.reason ?? 'the proxy could not be reached.'}`)
    return undefined
  }
  say(`Answered with ${told.status ?? '?'}.`)
  return told.requestId
}

/**
 * @param {Response} answer
 * @returns {Promise<unknown>} undefined where it is no JSON
 */
export function jsonOf(answer) {
  return answer.json().catch(() => undefined)
}
