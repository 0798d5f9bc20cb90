import { remembered } from '../../remembered.ts'

/** What of a login is answered here, by what its path names. */
export type LoginEndpoint = 'token' | 'revoke' | 'soap'

/**
 * The endpoint that a policy path (lower case, no final slash) names, below any path of a site's: `/partners/services/oauth2/token` is how
 * tools log in to an Experience Cloud site, and a made-up password is not to be shown to the policy's sense of what an API path is.
 */
export const loginEndpoint = remembered((policyPath): LoginEndpoint | undefined => {
  const [, name] = ENDPOINT.exec(policyPath) ?? []
  return name === undefined ? undefined : (ENDPOINTS[name] ?? 'soap')
})

/** Whether the path alone shows that the proxy answers: SOAP on the API's own path has to be read first. */
export function isSeparateLogin(policyPath: string): boolean {
  const endpoint = loginEndpoint(policyPath)
  return endpoint !== undefined && !(endpoint === 'soap' && policyPath.startsWith('/services/'))
}

/** The version that the path of a SOAP endpoint names. */
export function soapVersion(policyPath: string): string {
  return ENDPOINT.exec(policyPath)?.[3] ?? ''
}

/** The service, `u` (partner) or `c` (enterprise). */
export function soapService(policyPath: string): 'u' | 'c' {
  return ENDPOINT.exec(policyPath)?.[2] === 'c' ? 'c' : 'u'
}

const ENDPOINT =
  /^(?:\/(?!services\/)[^/]+)*\/services\/(oauth2\/token|oauth2\/revoke|soap\/([uc])\/(\d{1,3}\.\d)(?:\/\w{15,18})?)$/
const ENDPOINTS: Readonly<Record<string, LoginEndpoint>> = { 'oauth2/token': 'token', 'oauth2/revoke': 'revoke' }

/** The SOAP operations that are answered here: they would send a password, or end the session that all callers share. */
export function isLoginOperation(operation: string): boolean {
  return /^(?:login|logout|invalidatesessions)$/i.test(operation)
}
