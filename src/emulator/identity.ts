import type { OrgState } from './org-state.ts'

/** The answer to `/services/oauth2/userinfo`. */
export function userinfo(org: OrgState, origin: string): object {
  return {
    sub: org.identityUrl(),
    user_id: org.userId,
    organization_id: org.orgId,
    preferred_username: org.username,
    nickname: 'integration',
    name: 'Integration User',
    email: org.username,
    email_verified: true,
    given_name: 'Integration',
    family_name: 'User',
    zoneinfo: 'GMT',
    photos: {},
    profile: `${origin}/${org.userId}`,
    urls: urls(org, origin),
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
    is_app_installed: true,
  }
}

/** The answer to the identity URL. */
export function identity(org: OrgState, origin: string): object {
  return {
    id: org.identityUrl(),
    asserted_user: true,
    user_id: org.userId,
    organization_id: org.orgId,
    username: org.username,
    nick_name: 'integration',
    display_name: 'Integration User',
    email: org.username,
    first_name: 'Integration',
    last_name: 'User',
    timezone: 'GMT',
    urls: urls(org, origin),
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
    is_app_installed: true,
  }
}

function urls(org: OrgState, origin: string): Record<string, string> {
  const soap = (kind: string) => `${origin}/services/Soap/${kind}/{version}/${org.orgId.slice(0, 15)}`
  const data = `${origin}/services/data/v{version}/`
  return {
    enterprise: soap('c'),
    metadata: soap('m'),
    partner: soap('u'),
    rest: data,
    sobjects: `${data}sobjects/`,
    search: `${data}search/`,
    query: `${data}query/`,
    recent: `${data}recent/`,
    tooling_soap: soap('T'),
    tooling_rest: `${data}tooling/`,
    profile: `${origin}/${org.userId}`,
    feeds: `${data}chatter/feeds`,
    custom_domain: origin,
  }
}
