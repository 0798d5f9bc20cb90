import { fingerprint } from './fingerprint.ts'
import type { Life } from './lifetime.ts'
import type { AccessToken, TokenAnswer } from './token-source.ts'

/** `bornAt`, `endsAt`: steady milliseconds. The end is an assumption: only a refusal proves it. */
export interface HeldToken {
  readonly token: AccessToken
  readonly bornAt: number
  readonly life: Life
  readonly endsAt: number
}

/** When an answer came. `now`: steady milliseconds; `wallNow`: epoch milliseconds; `paceMs`: the pause that the budget asks of a retry. */
export interface Moment {
  readonly now: number
  readonly wallNow: number
  readonly paceMs: number
}

export function holdToken(answer: TokenAnswer, life: Life, { now, wallNow }: Omit<Moment, 'paceMs'>): HeldToken {
  const { value, format, instanceUrl, identityUrl } = answer
  const token = { value, fingerprint: fingerprint(value), format, instanceUrl, identityUrl, obtainedAt: wallNow }
  return { token, bornAt: now, life, endsAt: now + life.ms }
}

/** The same token after an answer that gave it again: the org may have moved meanwhile. */
export function readdress(held: HeldToken, { instanceUrl, identityUrl }: TokenAnswer): HeldToken {
  const { token } = held
  const addresses = { instanceUrl: instanceUrl ?? token.instanceUrl, identityUrl: identityUrl ?? token.identityUrl }
  return { ...held, token: { ...token, ...addresses } }
}

/** What events say of a token. */
export function describeHeld({ token: { fingerprint, format }, life }: HeldToken) {
  return { fingerprint, format, lifeSeconds: Math.ceil(life.ms / 1000), lifeSource: life.source }
}
