import { childOf, parseXml } from './xml.ts'
import type { OrgIds } from './org-ids.ts'

/** GetUserInfoResult of the partner and enterprise WSDL: names in their order, and texts; null is nil. */
export type UserInfo = ReadonlyMap<string, string | null>

export interface KnownUser extends OrgIds {
  /** The username, where the settings tell it. */
  readonly username: string | undefined
  /** The host of the org. */
  readonly host: string
}

/**
 * What can be said without asking the org: the ids, and for the rest what a client needs to go on. Typed clients (Data Loader's) refuse a
 * LoginResult that lacks one of these.
 */
export function userInfoOf({ orgId, userId, username, host }: KnownUser): UserInfo {
  const name = username ?? `run-as-user@${host}`
  return new Map<string, string | null>([
    ['accessibilityMode', 'false'],
    ['chatterExternal', 'false'],
    ['currencySymbol', null],
    ['orgAttachmentFileSizeLimit', '5242880'],
    ['orgDefaultCurrencyIsoCode', null],
    ['orgDefaultCurrencyLocale', 'en_US'],
    ['orgDisallowHtmlAttachments', 'false'],
    ['orgHasPersonAccounts', 'false'],
    ['organizationId', orgId],
    ['organizationMultiCurrency', 'false'],
    ['organizationName', host],
    ['profileId', '00e000000000000AAA'],
    ['roleId', null],
    ['sessionSecondsValid', '7200'],
    ['userDefaultCurrencyIsoCode', null],
    ['userEmail', name],
    ['userFullName', name],
    ['userId', userId],
    ['userLanguage', 'en_US'],
    ['userLocale', 'en_US'],
    ['userName', name],
    ['userTimeZone', 'GMT'],
    ['userType', 'Standard'],
    ['userUiSkin', 'Theme3'],
  ])
}

/** The org's own answer to getUserInfo laid over what is known without it; only what the WSDL names, and only texts. */
export function withAnswer(known: UserInfo, envelope: string): UserInfo | undefined {
  const root = parseXml(envelope)
  const body = 'problem' in root ? undefined : childOf(root, 'Body')
  const result = childOf(childOf(body, 'getUserInfoResponse'), 'result')
  if (result === undefined) return undefined
  // What is nil has no text, and nothing of this is ever empty otherwise.
  const told = new Map(result.children.map(({ name, text }) => [name, text.trim() === '' ? null : text.trim()]))
  return new Map(Array.from(known, ([name, text]) => [name, told.has(name) ? (told.get(name) ?? null) : text]))
}

export const GET_USER_INFO =
  '<?xml version="1.0" encoding="UTF-8"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><getUserInfo xmlns="urn:partner.soap.sforce.com"/></Body></Envelope>'
