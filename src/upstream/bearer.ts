import type { Dispatcher } from 'undici'
import { BearerExchange } from './bearer-exchange.ts'
import type { BearerOptions } from './bearer-options.ts'
import { SessionConfirmation } from './session-confirmation.ts'

/**
 * The undici interceptor that puts the session on a request and notices when the API no longer accepts it. A refused session means
 * that the request was not applied, so it is sent once more with a new token where its body can be, whatever the method.
 * Options: `headers` is a flat array without any session, `body` a Readable or null; `origin` is replaced by the pinned one.
 * The handler's onRequestStart is called once, before this returns, with an ExchangeController for the whole exchange.
 */
export function bearer(options: BearerOptions): Dispatcher.DispatchInterceptor {
  return (dispatch) => {
    const shared = { options, dispatch, confirmation: new SessionConfirmation({ ...options, dispatch }) }
    return function dispatchWithToken(request, handler) {
      new BearerExchange(shared, request, handler).start()
      return true
    }
  }
}
