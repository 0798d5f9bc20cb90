import type { Dispatcher } from 'undici'
import type { Clock } from '../../clock.ts'
import type { AccessToken, TokenSource } from '../../token/token-source.ts'
import { ask } from '../../upstream/ask.ts'
import { bodyOf } from '../../upstream/body-stream.ts'
import { upstreamHeaders } from '../../upstream/request-headers.ts'
import type { CallerKey } from '../caller-key.ts'
import { identityOf } from './identity.ts'
import type { LocalAnswer, LocalCall } from './local-call.ts'
import { idsOf, isMadeUp, isSame, type OrgIds } from './org-ids.ts'
import { answerSoap } from './soap-endpoint.ts'
import { answerRevoke, answerToken } from './token-endpoint.ts'
import { GET_USER_INFO, userInfoOf, withAnswer, type UserInfo } from './user-info.ts'

export interface LoginOptions {
  readonly tokens: TokenSource
  readonly dispatcher: Dispatcher
  /** The keys that are good now; undefined where callers need none. */
  readonly callerKeys: (() => readonly CallerKey[]) | undefined
  readonly clock: Clock
  readonly upstreamOrigin: () => string
  /** The username of the real session, where the settings tell it. */
  readonly username: string | undefined
  /** The proxy's own, for User-Agent. */
  readonly version: string
}

/** The login of callers that insist on one. `origin` is the address that they used. */
export interface Login {
  answer(call: LocalCall, origin: string): Promise<LocalAnswer>
  /** Whether these ids are the real session's, or made up and handed out by a login before: of no other user is anything known. */
  isOwn(ids: OrgIds): Promise<boolean>
  /** Who the user is, where the org itself would not say. */
  identity(document: 'userinfo' | 'identity', origin: string): Promise<LocalAnswer>
}

/** The oldest version that still is served; any has getUserInfo. */
const PARTNER = '/services/Soap/u/62.0'
const USER_INFO_TIMEOUT_MS = 5000

export function createLogin(options: LoginOptions): Login {
  const { tokens, callerKeys, clock, upstreamOrigin, username } = options
  const askUserInfo = rememberedByToken((known) => userInfoFrom(options, known))

  /** Undefined where none is to be had in time: the login goes on, and what follows tells the caller why. */
  const token = async () => {
    try {
      return await tokens.get()
    } catch {
      return undefined
    }
  }
  /** Ids that logins handed out while the token told no user: one pair an org, at most a few. */
  const handedOut: OrgIds[] = []
  const ids = async () => {
    const current = idsOf(await token())
    if (isMadeUp(current) && !handedOut.some((known) => isSame(known, current))) handedOut.push(current)
    return current
  }
  const userInfo = async () => {
    const held = await token()
    const known = userInfoOf({ ...idsOf(held), username, host: new URL(upstreamOrigin()).hostname })
    // The platform's SOAP services take no JWT.
    return held === undefined || held.format === 'jwt' ? known : askUserInfo(held, known)
  }
  return {
    answer(call, origin) {
      if (call.endpoint === 'revoke') return Promise.resolve(answerRevoke(call))
      const answer = call.endpoint === 'token' ? answerToken : answerSoap
      return answer(call, {
        origin,
        callerKeys,
        userInfo,
        ids,
        isSandbox: () => new URL(upstreamOrigin()).hostname.endsWith('.sandbox.my.salesforce.com'),
        now: () => clock.now(),
      })
    },
    async isOwn(asked) {
      if (handedOut.some((known) => isSame(known, asked))) return true
      const current = idsOf(await token())
      return !isMadeUp(current) && isSame(current, asked)
    },
    async identity(document, origin) {
      const body = identityOf(document, await userInfo(), origin)
      return { status: 200, contentType: 'application/json;charset=UTF-8', body }
    },
  }
}

/** One question a token, however many log in at once: its user does not change. An answer that failed is asked for again. */
function rememberedByToken(found: (known: UserInfo) => Promise<UserInfo | undefined>) {
  let remembered: { readonly of: string; readonly info: Promise<UserInfo | undefined> } | undefined
  return async (token: AccessToken, known: UserInfo): Promise<UserInfo> => {
    if (remembered?.of !== token.fingerprint) remembered = { of: token.fingerprint, info: found(known) }
    const asked = remembered
    const info = await asked.info
    if (info === undefined && remembered === asked) remembered = undefined
    return info ?? known
  }
}

async function userInfoFrom(options: LoginOptions, known: UserInfo): Promise<UserInfo | undefined> {
  const { dispatcher, clock, version } = options
  const fields = [
    'Content-Type',
    'text/xml;charset=UTF-8',
    'SOAPAction',
    '""',
    'Content-Length',
    String(Buffer.byteLength(GET_USER_INFO)),
  ]
  const headers = upstreamHeaders(fields, { family: 'soap', version })
  // The interceptor gives it its origin and the session.
  const body = bodyOf([Buffer.from(GET_USER_INFO)])
  const request = { method: 'POST' as const, path: PARTNER, headers, body }
  const answer = await ask(dispatcher, request, { clock, timeoutMs: USER_INFO_TIMEOUT_MS })
  const isGood = answer?.status === 200 && answer.isWhole && answer.headers['content-encoding'] === undefined
  return isGood ? withAnswer(known, answer.body.toString()) : undefined
}
