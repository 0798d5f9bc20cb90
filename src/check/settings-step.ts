import type { Finding } from './finding.ts'
import type { Visit } from './visit.ts'

/** They were read before anything else; here is what they say. */
export function settingsStep({ settings, warnings }: Visit): Finding {
  const { CLOUDAWARE_URL: url, CLOUDAWARE_GRANT_TYPE: grant } = settings
  const facts = { url, grantType: grant, warnings }
  if (warnings.length === 0) return { status: 'ok', summary: `${url}, ${grant}`, facts }
  return { status: 'note', summary: `${url}, ${grant}; perhaps misspelt: ${warnings.join(' ')}`, facts }
}
