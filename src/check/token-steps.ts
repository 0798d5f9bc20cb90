import type { Finding } from './finding.ts'
import { tokenFailure } from './trouble.ts'
import { toOAuthError } from '../token/oauth-error.ts'
import { fingerprint } from '../token/fingerprint.ts'
import type { TokenAnswer } from '../token/token-source.ts'
import type { Visit } from './visit.ts'

/** A token, as the proxy asks for one. */
export async function tokenStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const token = await obtainToken(visit, signal)
  const { instanceUrl, refusedInstanceUrl, format, statedLife } = token
  const life = statedLife === undefined ? '' : `, good for ${Math.round(statedLife.ms / 1000)} s`
  const obtained = `obtained ${fingerprint(token.value)} (${format})${life}`
  const facts = { fingerprint: fingerprint(token.value), format, instanceUrl, refusedInstanceUrl }
  if (refusedInstanceUrl === undefined) return { status: 'ok', summary: obtained, facts }
  return {
    status: 'note',
    summary: `${obtained}; its instance_url, ${refusedInstanceUrl}, is not trusted: requests go to CLOUDAWARE_URL`,
    facts,
    advice: { fix: 'If that host is yours, list it in CLOUDAWARE_TRUSTED_HOSTS.' },
  }
}

/** Asks for a token and remembers it. Throws CheckFailure. */
export async function obtainToken(visit: Visit, signal: AbortSignal): Promise<TokenAnswer> {
  try {
    const token = await visit.grant.request(signal)
    visit.onSecret(token.value)
    visit.token = token
    return token
  } catch (thrown) {
    throw tokenFailure(signal.aborted ? signal.reason : thrown)
  }
}

/** Whether the app may ask when its token ends. The proxy does without where it may not. */
export async function introspectionStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const { settings, token, introspect } = visit
  if (token === undefined) throw new Error('introspection before a token')
  if (settings.CLOUDAWARE_CLIENT_SECRET === undefined) {
    return { status: 'skipped', summary: 'needs the Consumer Secret, which is not given' }
  }
  const isOn = settings.TOKEN_INTROSPECT
  try {
    const lifeMs = await introspect(token.value, signal)
    const end = `the token ends in ${Math.round(lifeMs / 1000)} s without use`
    const summary = isOn ? end : `${end}; TOKEN_INTROSPECT=true would let the proxy know`
    return { status: 'ok', summary, facts: { lifeSeconds: Math.round(lifeMs / 1000) } }
  } catch (thrown) {
    const { error, description, status } = toOAuthError(signal.aborted ? signal.reason : thrown)
    const assumed = `TOKEN_LIFETIME_SECONDS=${settings.TOKEN_LIFETIME_SECONDS} is assumed`
    return {
      status: isOn ? 'note' : 'skipped',
      summary: isOn ? `refused (${error}), so ${assumed}` : `not for this app (${error}), and not needed: ${assumed}`,
      facts: { error, description, httpStatus: status },
      ...(isOn && {
        advice: {
          fix: 'Let the app introspect its tokens (OAuth Settings > "Introspect All Tokens"), or leave TOKEN_INTROSPECT out.',
          answered: description === '' ? error : `${error}: ${description}`,
        },
      }),
    }
  }
}
