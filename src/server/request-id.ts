import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Nothing that could be a token, break a log line or stand for two values. */
const SANE = /^[\w.:@+/=-]{1,128}$/

/** The X-Request-Id that the caller gave, where it is one; else a new one. Returned with the answer, and in the log. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID()
}
