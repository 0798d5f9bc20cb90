import { ApiError } from '../api-error.ts'
import { dateTime } from '../cmdb-data.ts'
import type { Org } from '../org.ts'
import { textOf, textsOf } from '../xml.ts'
import type { SoapRequest } from './soap-message.ts'

/** From this version on the platform has no login call. */
const FIRST_VERSION_WITHOUT_LOGIN = 65

/** Opens a session of its own, not the one that the OAuth flow shares out. */
export function login({ state }: Org, { operation, version, origin }: SoapRequest): object[] {
  if (Number(version) >= FIRST_VERSION_WITHOUT_LOGIN) {
    throw new ApiError(500, 'UNSUPPORTED_API_VERSION', `login() is not available in version ${version}`)
  }
  const isUser = textOf(operation, 'username')?.toLowerCase() === state.username.toLowerCase()
  if (!isUser || textOf(operation, 'password') !== state.password) {
    const message = 'Invalid username, password, security token; or user locked out.'
    throw new ApiError(500, 'INVALID_LOGIN', message)
  }
  if (!state.countLogin()) throw new ApiError(500, 'LOGIN_RATE_EXCEEDED', 'login rate exceeded')
  const server = (service: string) => `${origin}/services/Soap/${service}/${version}/${state.orgId.slice(0, 15)}`
  return [
    {
      metadataServerUrl: server('m'),
      passwordExpired: false,
      sandbox: false,
      serverUrl: server('u'),
      sessionId: state.sessions.openAnother().token,
      userId: state.userId,
      userInfo: userInfo(state),
    },
  ]
}

export function logout({ state }: Org, _request: SoapRequest, token: string): [] {
  state.sessions.end(token)
  return []
}

export function invalidateSessions({ state }: Org, { operation }: SoapRequest): object[] {
  return textsOf(operation, 'sessionIds').map((id) => {
    if (state.sessions.end(id)) return { success: true }
    return { errors: { message: 'Invalid session', statusCode: 'INVALID_SESSION_ID' }, success: false }
  })
}

export const getUserInfo = ({ state }: Org): object[] => [userInfo(state)]

export function getServerTimestamp({ state }: Org): object[] {
  return [{ timestamp: dateTime(state.clock.now()).replace('+0000', 'Z') }]
}

function userInfo({ orgId, userId, username, sessions }: Org['state']): object {
  return {
    accessibilityMode: false,
    chatterExternal: false,
    currencySymbol: '$',
    orgAttachmentFileSizeLimit: 26_214_400,
    orgDefaultCurrencyIsoCode: 'USD',
    orgDefaultCurrencyLocale: 'en_US',
    orgDisallowHtmlAttachments: false,
    orgHasPersonAccounts: false,
    organizationId: orgId,
    organizationMultiCurrency: false,
    organizationName: 'Emulated Cloudaware org',
    profileId: '00e5f000000ABCDAAA',
    roleId: null,
    sessionSecondsValid: Math.round(sessions.timeoutMs / 1000),
    userDefaultCurrencyIsoCode: null,
    userEmail: username,
    userFullName: 'Integration User',
    userId,
    userLanguage: 'en_US',
    userLocale: 'en_US',
    userName: username,
    userTimeZone: 'GMT',
    userType: 'Standard',
    userUiSkin: 'Theme3',
  }
}
