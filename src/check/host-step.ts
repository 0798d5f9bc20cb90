import { isLoopback } from '../token/instance-url.ts'
import { CheckFailure, type Finding } from './finding.ts'
import { isMyDomain } from './places.ts'
import { ask, mediaTypeOf, membersOf, type Reply } from './reply.ts'
import { serviceFailure } from './service-failure.ts'
import type { Visit } from './visit.ts'

const MY_DOMAIN = 'CLOUDAWARE_URL must be the address in Setup > My Domain (https://<name>.my.salesforce.com).'
/** Signed assertions are good for three minutes. */
const MOST_SKEW_MS = 120_000

/** Whether a Salesforce org answers: its list of API versions needs no token. */
export async function hostStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const { settings, clock } = visit
  const reply = await ask(visit, new URL('/services/data', settings.CLOUDAWARE_URL), { signal })
  const versions = versionsOf(reply)
  const [oldest] = versions
  const newest = versions.at(-1)
  if (oldest === undefined || newest === undefined) throw noOrg(reply)
  visit.version = newest
  const { hostname } = reply.url
  const kind = isMyDomain(hostname)
    ? 'the My Domain of a Salesforce org'
    : isLoopback(hostname)
      ? 'a Salesforce org on this machine'
      : 'a Salesforce org, though this is no My Domain'
  const skewMs = clockSkew(reply, clock.now())
  const isOff = Math.abs(skewMs) > MOST_SKEW_MS
  const summary = `${kind}, API ${oldest} to ${newest}${isOff ? `; ${skewWords(skewMs)}` : ''}`
  const facts = { oldestVersion: oldest, newestVersion: newest, clockSkewSeconds: Math.round(skewMs / 1000) }
  if (isOff) {
    return { status: 'note', summary, facts, advice: { fix: 'Set the clock of this machine, by NTP for instance.' } }
  }
  if (isMyDomain(hostname) || isLoopback(hostname)) return { status: 'ok', summary, facts }
  return { status: 'note', summary, facts, advice: { fix: MY_DOMAIN } }
}

/** `67.0`, oldest first. */
function versionsOf({ status, json }: Reply): string[] {
  if (status !== 200 || !Array.isArray(json)) return []
  const versions = json.map((entry) => membersOf(entry).version)
  return versions
    .filter((version) => typeof version === 'string' && /^\d+\.\d+$/.test(version))
    .map(String)
    .sort((one, other) => Number(one) - Number(other))
}

function noOrg(reply: Reply): CheckFailure {
  const { url, status, headers } = reply
  const { host } = url
  if (status >= 300 && status < 400 && typeof headers.location === 'string') {
    const target = URL.parse(headers.location, url)
    return new CheckFailure(
      'settings',
      `${host} redirects to ${target?.origin ?? 'an unreadable address'}, and the token is never taken along.`,
      { fix: `${MY_DOMAIN} If the My Domain was renamed, use the new one.`, answered: `HTTP ${status}` },
    )
  }
  // Salesforce's edge knows no org by this name.
  if (status === 420) return wrongHost(`Salesforce knows no org at ${host}.`, reply)
  return serviceFailure(reply) ?? wrongHost(`${host} is no Salesforce org.`, reply)
}

function wrongHost(summary: string, reply: Reply): CheckFailure {
  const answered = `/services/data answered ${reply.status} with ${mediaTypeOf(reply)}, not the list of API versions`
  return new CheckFailure('settings', summary, { fix: MY_DOMAIN, answered }, { httpStatus: reply.status })
}

/** How far our clock is ahead of the server's, milliseconds. */
function clockSkew({ headers }: Reply, now: number): number {
  const theirs = Date.parse(String(headers.date))
  return Number.isNaN(theirs) ? 0 : now - theirs
}

function skewWords(skewMs: number): string {
  return `the clock of this machine is ${Math.round(Math.abs(skewMs) / 60_000)} min ${skewMs > 0 ? 'ahead' : 'behind'}`
}
