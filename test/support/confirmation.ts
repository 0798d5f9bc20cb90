import { Agent } from 'undici'
import { systemClock } from '../../src/clock.ts'
import type { TokenHealth } from '../../src/token/token-source.ts'
import type { BearerOptions } from '../../src/upstream/bearer-options.ts'
import { SessionConfirmation } from '../../src/upstream/session-confirmation.ts'

/** Asks the org at `origin`, on a connection of its own each time. */
export function confirmationAt(origin: string): SessionConfirmation {
  const agent = new Agent({ pipelining: 0 })
  return new SessionConfirmation({
    dispatch: agent.dispatch.bind(agent),
    originFor: () => origin,
    clock: systemClock,
    onEvent: () => undefined,
  })
}

/** Finds every token in this state. */
export function confirmsAs(health: TokenHealth): BearerOptions['confirmation'] {
  return { tick: () => 0, accepted: () => undefined, hasWorked: () => false, check: () => Promise.resolve(health) }
}
