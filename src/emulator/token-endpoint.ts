import { createHmac, timingSafeEqual } from 'node:crypto'
import { json, type Answer } from './answer.ts'
import { formBody, header, type Call } from './call.ts'
import type { AssertionCheck } from './jwt-assertion.ts'
import { TOKEN_FAILURES } from './oauth-errors.ts'
import type { OrgState } from './org-state.ts'
import { isJwt, type Session } from './sessions.ts'

/** `POST /services/oauth2/token`, as the org of domain.md answers it. */
export async function tokenEndpoint(org: OrgState, call: Call, checkAssertion: AssertionCheck): Promise<Answer> {
  org.tokenRequests++
  await org.wait(org.mintDelayMs)
  if (call.method !== 'POST') return TOKEN_FAILURES['must-use-post']
  const failure = org.switches.takeTokenFailure(call.path)
  if (failure !== undefined) return failure
  const wrongHost = hostRefusal(header(call, 'host') ?? '')
  if (wrongHost !== undefined) return wrongHost

  const form = formBody(call)
  switch (form.get('grant_type')) {
    case 'client_credentials':
      if (form.has('scope')) return TOKEN_FAILURES['scope-sent']
      return clientRefusal(org, credentials(call, form)) ?? grant(org, call)
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return (await checkAssertion(org, form.get('assertion') ?? '')) ?? grant(org, call)
    case 'password':
      return TOKEN_FAILURES['authentication-failure']
    case 'refresh_token':
      return TOKEN_FAILURES['expired-token']
    case 'authorization_code':
      return TOKEN_FAILURES['expired-code']
    default:
      return TOKEN_FAILURES['unsupported-grant']
  }
}

/** The flow is only served on My Domain; Lightning's own hosts do not know it at all. */
function hostRefusal(host: string): Answer | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  if (/^(?:login|test)\.salesforce\.com$|\.salesforce-setup\.com$/.test(name)) return TOKEN_FAILURES['wrong-domain']
  return name.endsWith('.force.com') ? TOKEN_FAILURES['unsupported-grant'] : undefined
}

interface Credentials {
  id: string
  secret: string
}

/** client_id and client_secret from the Basic header, else from the form. */
export function credentials(call: Call, form: URLSearchParams): Credentials {
  const basic = /^Basic\s+(\S+)$/i.exec(header(call, 'authorization') ?? '')?.[1]
  if (basic === undefined) return { id: form.get('client_id') ?? '', secret: form.get('client_secret') ?? '' }
  const [id = '', ...rest] = Buffer.from(basic, 'base64').toString().split(':')
  return { id, secret: rest.join(':') }
}

/** The refusal of a client that is not this org's app, or undefined. */
export function clientRefusal(org: OrgState, { id, secret }: Credentials): Answer | undefined {
  if (id !== org.clientId) return TOKEN_FAILURES['wrong-key']
  const isSecret = timingSafeEqual(digest(secret), digest(org.clientSecret))
  return isSecret ? undefined : TOKEN_FAILURES['wrong-secret']
}

async function grant(org: OrgState, call: Call): Promise<Answer> {
  if (!org.countLogin()) return TOKEN_FAILURES['login-rate']
  const instanceUrl = org.instanceUrl ?? call.origin
  const session = await org.openSession(instanceUrl)
  org.tokensIssued++
  return json(200, tokenAnswer(org, session, instanceUrl), { 'cache-control': 'no-cache, no-store' })
}

function tokenAnswer(org: OrgState, session: Session, instanceUrl: string): object {
  const id = org.identityUrl()
  const issuedAt = String(org.clock.now())
  return {
    access_token: session.token,
    signature: createHmac('sha256', org.clientSecret)
      .update(id + issuedAt)
      .digest('base64'),
    scope: 'api',
    instance_url: instanceUrl,
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    api_instance_url: 'https://api.salesforce.com',
    ...(isJwt(session.token) ? { token_format: 'jwt' } : {}),
    ...(org.expiresIn ? { expires_in: Math.round((org.sessions.endsAt(session) - org.clock.now()) / 1000) } : {}),
  }
}

/** Equal lengths for the comparison that tells nothing by its time. */
function digest(secret: string): Buffer {
  return createHmac('sha256', 'emulator').update(secret).digest()
}
