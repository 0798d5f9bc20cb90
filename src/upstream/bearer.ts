import type { Dispatcher } from 'undici'
import { BearerExchange } from './bearer-exchange.ts'
import type { BearerOptions } from './bearer-options.ts'

/**
 * The undici interceptor that puts the session on a request and notices when the API refuses it. Once the org has confirmed that the token
 * is dead, the request is sent again with a new one: the platform's session check comes first, so nothing was applied, whatever the method.
 * Options: `headers` is a flat array without any session, `body` a Readable or null; `origin` is replaced by the pinned one.
 * The handler's onRequestStart is called once, before this returns, with an ExchangeController for the whole exchange.
 */
export function bearer(options: BearerOptions): Dispatcher.DispatchInterceptor {
  return (dispatch) => {
    const shared = { options, dispatch }
    return function dispatchWithToken(request, handler) {
      new BearerExchange(shared, request, handler).start()
      return true
    }
  }
}
