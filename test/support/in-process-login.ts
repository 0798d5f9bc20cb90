import { Dispatcher } from 'undici'
import { bodyText } from '../../src/emulator/answer.ts'
import type { OrgState } from '../../src/emulator/org-state.ts'
import { tokenEndpoint } from '../../src/emulator/token-endpoint.ts'

const ORIGIN = 'https://simulated.my.salesforce.com'

/** The emulated org's token endpoint without a socket: for simulations of so much time that sockets would take hours. */
export class InProcessLogin extends Dispatcher {
  static readonly origin = ORIGIN
  static readonly tokenUrl = `${ORIGIN}/services/oauth2/token`
  readonly #org: OrgState

  constructor(org: OrgState) {
    super()
    this.#org = org
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    void this.#answer(options, handler)
    return true
  }

  async #answer({ method, body }: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): Promise<void> {
    const controller = new StubController()
    handler.onRequestStart?.(controller, {})
    const answer = await tokenEndpoint(
      this.#org,
      {
        method,
        path: '/services/oauth2/token',
        query: new URLSearchParams(),
        headers: { host: new URL(ORIGIN).host, 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(typeof body === 'string' ? body : ''),
        origin: ORIGIN,
      },
      () => Promise.resolve(undefined),
    )
    if (answer.hangs) return
    const date = new Date(this.#org.clock.now()).toUTCString()
    handler.onResponseStart?.(controller, answer.status, { date, ...answer.headers }, '')
    handler.onResponseData?.(controller, Buffer.from(bodyText(answer)))
    handler.onResponseEnd?.(controller, {})
  }
}

/** Nothing is held back, and whoever aborts is left with an answer that nobody reads. */
class StubController implements Dispatcher.DispatchController {
  readonly aborted = false
  readonly paused = false
  readonly reason = null
  readonly rawHeaders = []
  readonly rawTrailers = []
  abort(): void {
    // Nothing to end.
  }
  pause(): void {
    // Nothing to hold back.
  }
  resume(): void {
    // Nothing held back.
  }
}
