import { callApi } from './api-call.ts'
import { CheckFailure, type Finding } from './finding.ts'
import { membersOf, type Reply } from './reply.ts'
import { errorOf, inItsWords } from './service-failure.ts'
import type { Visit } from './visit.ts'

/** Below this part of the daily allowance a person should know. */
const LOW = 0.1
const RUN_AS = 'Run As user (step 14; External Client App: Policies > OAuth Policies)'

/** A call of the API, and how much of the daily allowance is used. */
export async function apiStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const base = versionBase(visit)
  const reply = await callApi(visit, `${base}/limits`, 'rest', signal)
  const { Max: max, Remaining: remaining } = membersOf(membersOf(reply.json).DailyApiRequests)
  if (reply.status === 200 && typeof max === 'number' && typeof remaining === 'number') {
    return allowance(max - remaining, max)
  }
  if (errorOf(reply.json)[0] === 'REQUEST_LIMIT_EXCEEDED') throw exhausted(reply)
  // To see the limits is a permission of its own ("View Setup and Configuration"); every other answer tells the usage too.
  const other = await callApi(visit, base, 'rest', signal)
  if (other.status !== 200) throw refused(other)
  const [, used, total] = /api-usage=(\d+)\/(\d+)/.exec(String(other.headers['sforce-limit-info'])) ?? []
  if (used !== undefined && total !== undefined) return allowance(Number(used), Number(total))
  return { status: 'ok', summary: 'answers; the Run As user may not see how much of the daily allowance is used' }
}

function allowance(used: number, total: number): Finding {
  const left = total - used
  const summary = `${count(used)} of ${count(total)} requests of the last 24 hours used`
  const facts = { used, total, remaining: left }
  if (left > total * LOW) return { status: 'ok', summary, facts }
  return {
    status: 'note',
    summary: `${summary}: the org is nearly at its limit`,
    facts,
    advice: { fix: 'All integrations of the org share the allowance; Setup > Company Information shows it.' },
  }
}

function exhausted(reply: Reply): CheckFailure {
  const isDaily = /TotalRequests/i.test(errorOf(reply.json)[1])
  return new CheckFailure(
    'permissions',
    isDaily
      ? 'The org has used up its API requests of 24 hours.'
      : 'Too many long requests run in the org at this moment.',
    {
      fix: isDaily
        ? 'Find in Setup > API Usage who uses them; wait, or ask Cloudaware support for a larger allowance.'
        : 'Try again when they are over; find out who sends requests of 20 seconds and more.',
      answered: inItsWords(reply),
    },
    { errorCode: 'REQUEST_LIMIT_EXCEEDED' },
  )
}

function refused(reply: Reply): CheckFailure {
  return new CheckFailure(
    'permissions',
    'The API refuses the Run As user.',
    { fix: `Give the ${RUN_AS} the permission "API Enabled".`, answered: inItsWords(reply) },
    { httpStatus: reply.status, errorCode: errorOf(reply.json)[0] },
  )
}

/** Whose permissions every request has. */
export async function userStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const reply = await callApi(visit, '/services/oauth2/userinfo', 'identity', signal)
  const { preferred_username: username, user_id: userId, organization_id: orgId } = membersOf(reply.json)
  const facts = { username, userId, organizationId: orgId }
  if (reply.status === 200 && typeof username === 'string') {
    return { status: 'ok', summary: `${username}, org ${String(orgId)}`, facts }
  }
  const [, org, user] = /\/id\/(\w+)\/(\w+)$/.exec(visit.token?.identityUrl ?? '') ?? []
  return {
    status: 'note',
    summary: user === undefined ? 'the org does not tell' : `user ${user} of org ${String(org)}; its name is not told`,
    facts: { userId: user, organizationId: org, httpStatus: reply.status },
    advice: { fix: 'Nothing need be done; the scope "api" or "id" would tell the name.', answered: inItsWords(reply) },
  }
}

/** Cloudaware's packages: CA10__ and its siblings, such as CA10A1__. */
const CMDB_OBJECT = /^CA10[^\W_]*__\w+__c$/

/** Whether the run-as user sees the CMDB at all. */
export async function cmdbStep(visit: Visit, signal: AbortSignal): Promise<Finding> {
  const reply = await callApi(visit, `${versionBase(visit)}/sobjects`, 'rest', signal)
  if (reply.status !== 200) throw refused(reply)
  const { sobjects } = membersOf(reply.json)
  const names = (Array.isArray(sobjects) ? sobjects : [])
    .map(membersOf)
    .filter(({ name, queryable }) => typeof name === 'string' && CMDB_OBJECT.test(name) && queryable !== false)
    .map(({ name }) => String(name))
  const [example] = names
  const facts = { objects: names.length, example }
  if (example !== undefined) {
    return { status: 'ok', summary: `${count(names.length)} CMDB objects are visible, such as ${example}`, facts }
  }
  throw new CheckFailure(
    'permissions',
    'The Run As user sees no CMDB object (CA10__…).',
    {
      fix: `Give the ${RUN_AS} a profile or permission set with read access to Cloudaware's objects, or choose another one; CLOUDAWARE_URL must be the org that Cloudaware runs in.`,
    },
    facts,
  )
}

function versionBase({ version }: Visit): string {
  if (version === undefined) throw new Error('an API call before the host answered')
  return `/services/data/v${version}`
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}
