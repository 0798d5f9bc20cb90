import { createPublicKey, type KeyObject } from 'node:crypto'
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose'
import type { Answer } from './answer.ts'
import { TOKEN_FAILURES } from './oauth-errors.ts'
import type { OrgState } from './org-state.ts'

/** Undefined where the assertion opens a session, else the refusal. */
export type AssertionCheck = (org: OrgState, assertion: string) => Promise<Answer | undefined>

/** How far ahead an assertion may expire, seconds; Salesforce says three to five minutes. */
const LONGEST_LIFE_S = 300
const AUDIENCES = ['https://login.salesforce.com', 'https://test.salesforce.com']

/** Checks assertions of the JWT bearer grant (RFC 7523) against the app's certificate, a PEM public key or certificate. */
export function assertionCheck(ownUrl: () => string): AssertionCheck {
  return async (org, assertion) => {
    if (org.jwtPublicKey === undefined) return TOKEN_FAILURES['invalid-assertion']
    const now = org.clock.now()
    const payload = await verified(assertion, createPublicKey(org.jwtPublicKey), now)
    if (payload instanceof errors.JWTExpired) return TOKEN_FAILURES['expired-code']
    if (payload instanceof Error) return TOKEN_FAILURES['invalid-assertion']
    return refusal(org, payload, now / 1000, ownUrl())
  }
}

async function verified(assertion: string, key: KeyObject, now: number): Promise<JWTPayload | Error> {
  try {
    decodeJwt(assertion)
    const { payload } = await jwtVerify(assertion, key, {
      algorithms: ['RS256'],
      requiredClaims: ['iss', 'sub', 'aud', 'exp'],
      currentDate: new Date(now),
    })
    return payload
  } catch (error) {
    return error instanceof Error ? error : new Error('not a JWT')
  }
}

function refusal(org: OrgState, payload: JWTPayload, nowS: number, ownUrl: string): Answer | undefined {
  if (payload.iss !== org.clientId) return TOKEN_FAILURES['wrong-key']
  const audiences = [payload.aud ?? []].flat()
  if (!audiences.some((audience) => [...AUDIENCES, ownUrl].includes(audience.replace(/\/$/, '')))) {
    return TOKEN_FAILURES['invalid-audience']
  }
  if ((payload.exp ?? 0) > nowS + LONGEST_LIFE_S) return TOKEN_FAILURES['invalid-assertion']
  return payload.sub === org.username ? undefined : TOKEN_FAILURES['user-approval']
}
