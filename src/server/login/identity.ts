import type { UserInfo } from './user-info.ts'

/** Which of the two documents about the user a policy path asks for. */
export function identityDocument(policyPath: string): 'userinfo' | 'identity' | undefined {
  if (policyPath === '/services/oauth2/userinfo') return 'userinfo'
  return /^\/id\/00d\w{12,15}\/005\w{12,15}$/.test(policyPath) ? 'identity' : undefined
}

/** What the org would have said of the user, as far as it is known: for a caller that cannot go on without. `origin` is the caller's. */
export function identityOf(document: 'userinfo' | 'identity', info: UserInfo, origin: string): string {
  const orgId = info.get('organizationId') ?? ''
  const userId = info.get('userId') ?? ''
  const id = `${origin}/id/${orgId}/${userId}`
  const [username, name, email] = [info.get('userName'), info.get('userFullName'), info.get('userEmail')]
  const shared = {
    user_id: userId,
    organization_id: orgId,
    email,
    urls: urls(origin, orgId, userId),
    active: true,
    user_type: info.get('userType')?.toUpperCase(),
    language: info.get('userLanguage'),
    locale: info.get('userLocale'),
    is_app_installed: true,
  }
  const own =
    document === 'userinfo'
      ? { sub: id, ...shared, preferred_username: username, nickname: name, name, zoneinfo: info.get('userTimeZone') }
      : {
          id,
          asserted_user: true,
          ...shared,
          username,
          nick_name: name,
          display_name: name,
          timezone: info.get('userTimeZone'),
        }
  return JSON.stringify(own)
}

function urls(origin: string, orgId: string, userId: string): Record<string, string> {
  const soap = (service: string) => `${origin}/services/Soap/${service}/{version}/${orgId.slice(0, 15)}`
  const rest = `${origin}/services/data/v{version}/`
  return {
    enterprise: soap('c'),
    metadata: soap('m'),
    partner: soap('u'),
    rest,
    sobjects: `${rest}sobjects/`,
    search: `${rest}search/`,
    query: `${rest}query/`,
    recent: `${rest}recent/`,
    tooling_soap: soap('T'),
    tooling_rest: `${rest}tooling/`,
    profile: `${origin}/${userId}`,
    feeds: `${rest}chatter/feeds`,
    custom_domain: origin,
  }
}
