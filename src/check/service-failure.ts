import { CheckFailure } from './finding.ts'
import { membersOf, type Reply } from './reply.ts'

const STATUS_PAGE = 'Try again later; https://status.salesforce.com tells of maintenance.'

/** A failure of Cloudaware's own, which no setting mends; undefined for an answer that speaks of something else. */
export function serviceFailure(reply: Reply): CheckFailure | undefined {
  const { status, url, json } = reply
  const [code] = errorOf(json)
  if (status < 500 && code !== 'QUERY_TIMEOUT' && status !== 429 && status !== 420) return undefined
  return new CheckFailure(
    'network',
    `${url.host} is there, but has trouble of its own.`,
    { fix: STATUS_PAGE, answered: inItsWords(reply) },
    { httpStatus: status, errorCode: code },
  )
}

/** The code and message of an error in Salesforce's form. */
export function errorOf(json: unknown): readonly [code: string | undefined, message: string] {
  const { errorCode, message } = membersOf(Array.isArray(json) ? json[0] : json)
  return [typeof errorCode === 'string' ? errorCode : undefined, typeof message === 'string' ? message : '']
}

/** What was answered, in one line. */
export function inItsWords({ status, json, body }: Reply): string {
  const [code, message] = errorOf(json)
  if (code !== undefined) return `${code}: ${message} (HTTP ${status})`
  const words = body.toString('utf8', 0, 2000).replaceAll(/<[^<>]*>/g, ' ')
  return `${
    words
      .replaceAll(/[^\x21-\x7e]+/g, ' ')
      .trim()
      .slice(0, 120) || 'nothing'
  } (HTTP ${status})`
}
