import type { IncomingHttpHeaders } from 'node:http'
import type { TokenHealth } from '../token/token-source.ts'
import type { ApiFamily } from './api-family.ts'
import { refusalText } from './refusal-text.ts'

/** No more than this of a refusal is ever looked at, neither as sent nor decompressed. */
export const MAX_REFUSAL_BYTES = 64 * 1024

/** A CometD refusal is about 300 bytes. What is longer carries events, and is not held back for a look. */
const MAX_STREAMING_REFUSAL_BYTES = 4096

/**
 * An answer that refuses the session. It concerns that one request until the org confirms that the token is dead.
 * `suspects`: whether the token may be dead; `if-it-worked`: only where the org has accepted it before.
 * `diagnosis`: what a person can do, where a new token would be refused as well.
 */
export interface Refusal {
  readonly suspects: 'always' | 'if-it-worked' | 'never'
  readonly diagnosis?: string
}

/** The status with which each family says that a session is dead; a plain 401 says so in every family. */
const DEAD_STATUS: Readonly<Record<ApiFamily, number>> = {
  rest: 401,
  bulk1: 400,
  soap: 500,
  streaming: 200,
  identity: 403,
}

const POLICIES = 'Connected App: Manage > Edit Policies, step 13; External Client App: Policies'

/** Texts of refusals that a new token does not cure. */
const INCURABLE: readonly (readonly [mark: string, diagnosis: string])[] = [
  [
    // The REST API, the SOAP API, or just the API.
    'This session is not valid for use with the',
    `The token is valid but may not use the API: select the scope "api" (step 6; External Client App: Settings > OAuth Settings), relax the IP restrictions (${POLICIES}), and see that API Access Control and the session level of the Run As user let this app in.`,
  ],
  [
    'Connected app is not attached to Agent',
    `The app is not attached to the agent that the Run As user stands for: choose another Run As user (${POLICIES} > Client Credentials Flow, step 14).`,
  ],
  [
    'BlackTab users cannot perform API operations',
    `The Run As user may not use the API: choose another one (${POLICIES} > Client Credentials Flow, step 14).`,
  ],
  [
    'API_DISABLED_FOR_ORG',
    'The API is switched off for the Run As user or the org: give that user the permission "API Enabled", or choose another Run As user (step 14; External Client App: Policies > OAuth Policies).',
  ],
  [
    'API_CURRENTLY_DISABLED',
    'The API is switched off for the org at present: ask Cloudaware support (tam@cloudaware.com) when it will be back.',
  ],
  [
    'URL_NOT_RESET',
    "The request went to a login host, which serves no data: set CLOUDAWARE_URL to the org's My Domain, https://<name>.my.salesforce.com.",
  ],
]

/** The platform could not read our Authorization field: our fault or that of something in between, unless the token has worked before. */
const UNREADABLE_HEADER = /INVALID_(?:AUTH_HEADER|JWT_FORMAT)/
const UNREADABLE_DIAGNOSIS =
  'Cloudaware could not read the Authorization header. The proxy writes that header itself, so check CLOUDAWARE_API_URL and whatever stands between the proxy and Cloudaware.'

/** Where the family never takes tokens in JWT form, a "dead" session of such a token is no news: the next one is refused alike. */
export const JWT_DIAGNOSIS =
  'Tokens in JWT form are accepted by the REST APIs only, not by SOAP, Bulk v1 or streaming: turn off "Issue JSON Web Token (JWT)-based access tokens" for the app, or use REST.'

/** `hold` the answer back until it has been read; or `peek` at its first bytes, and hold it back only where they may be a refusal's. */
export type Look = 'hold' | 'peek'

/** The cheap gate: whether the body of an answer is worth a look by {@link readRefusal}. */
export function lookAt(family: ApiFamily, status: number, headers: IncomingHttpHeaders): Look | undefined {
  switch (status) {
    case 401:
    case 403: // where the API is switched off, too
      return 'hold'
    case 400:
      return family === 'bulk1' ? 'hold' : undefined
    case 500:
      return family === 'soap' ? 'hold' : undefined
    case 200:
      return family === 'streaming' ? lookAtStream(headers['content-length']) : undefined
    default:
      return undefined
  }
}

/** A long poll flows as soon as there is anything in it: only what is known to be small and whole is held. */
function lookAtStream(length: string | undefined): Look | undefined {
  if (length === undefined) return 'peek'
  return Number(length) <= MAX_STREAMING_REFUSAL_BYTES ? 'hold' : undefined
}

/** How much of an answer that passed the gate is kept for {@link readRefusal}; a longer one is no refusal. */
export function lookLimit(look: Look): number {
  return look === 'hold' ? MAX_REFUSAL_BYTES : MAX_STREAMING_REFUSAL_BYTES
}

/** Whether the first bytes of an answer to peek at may be a refusal's. */
export function mayRefuse(headers: IncomingHttpHeaders, body: Buffer): boolean {
  return refusalText(body, headers['content-encoding'], MAX_STREAMING_REFUSAL_BYTES).includes(BAYEUX_MARK)
}

/** What an answer that passed the gate says of the session; undefined where it speaks of something else. `body` is all of it that was held. */
export function readRefusal(
  { family, runsOrgCode }: { family: ApiFamily; runsOrgCode: boolean },
  { status, headers, body }: Answer,
): Refusal | undefined {
  const text = refusalText(body, headers['content-encoding'], MAX_REFUSAL_BYTES)
  if (status === 200) return family === 'streaming' && refusesBayeux(text) ? { suspects: 'always' } : undefined
  const incurable = INCURABLE.find(([mark]) => text.includes(mark))
  if (incurable) return { suspects: 'never', diagnosis: incurable[1] }
  if (UNREADABLE_HEADER.test(text)) return { suspects: 'if-it-worked', diagnosis: UNREADABLE_DIAGNOSIS }
  if (status !== 401 && status !== DEAD_STATUS[family]) return undefined
  const isRefused =
    namesDeadSession(text) ||
    (status === 401 && !runsOrgCode && givesNoReason(text)) ||
    (family === 'identity' && isIdentityRefusal(text))
  return isRefused ? { suspects: 'always' } : undefined
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What the org's answer to a confirmation says of the token; `hasWorked`: the org has accepted it before. */
export function healthIn(answer: Answer | undefined, hasWorked: boolean): TokenHealth {
  if (answer === undefined) return 'unknown'
  const { status, headers, body } = answer
  if (status >= 200 && status < 300) return 'alive'
  if (status !== 401 && status !== 403) return 'unknown'
  const text = refusalText(body, headers['content-encoding'], MAX_REFUSAL_BYTES)
  if (status === 403) return jsonCodes(text).some((code) => typeof code === 'string') ? 'alive' : 'unknown'
  if (INCURABLE.some(([mark]) => text.includes(mark))) return 'unknown'
  const isDead = body.length === 0 || namesDeadSession(text) || (hasWorked && UNREADABLE_HEADER.test(text))
  return isDead ? 'dead' : 'unknown'
}

/** The identity service says the same of a dead token and of one that lacks the scope. */
function isIdentityRefusal(text: string): boolean {
  return /^\s*(?:Bad|Missing)_OAuth_Token\b/.test(text)
}

function namesDeadSession(text: string): boolean {
  const codes = /^\s*[[{]/.test(text) ? jsonCodes(text) : xmlCodes(text)
  return codes.some((code) => code === 'INVALID_SESSION_ID' || code === 'InvalidSessionId')
}

/**
 * A 401 to HEAD has no body, and an edge may answer in HTML: both say nothing of the reason.
 * A 401 that gives another reason, and any of an Apex class that does not name the dead session, is that class's own answer.
 */
function givesNoReason(text: string): boolean {
  return /^\s*(?:$|<!doctype html|<html)/i.test(text)
}

/** REST: `[{errorCode}]`; Bulk v1 in JSON: `{exceptionCode}`. */
function jsonCodes(text: string): unknown[] {
  return objectsOf(text).map((object) => object.errorCode ?? object.exceptionCode)
}

/** REST and Bulk v1 in XML, and SOAP faults: any prefix before the element's name and before the code. */
function xmlCodes(text: string): unknown[] {
  const codes = /<(?:[\w.-]+:)?(?:errorCode|exceptionCode|faultcode)(?:\s[^<>]*)?>\s*(?:[\w.-]+:)?([\w.-]+)/g
  return Array.from(text.matchAll(codes), ([, code]) => code)
}

const BAYEUX_MARK = '401::'

/** CometD answers 200 and refuses inside, in a meta message; an event's payload may hold the same words, and says nothing. */
function refusesBayeux(text: string): boolean {
  if (!text.includes(BAYEUX_MARK)) return false
  return objectsOf(text).some(
    ({ channel, successful, error, ext }) =>
      typeof channel === 'string' &&
      channel.startsWith('/meta/') &&
      successful === false &&
      [error, asObject(asObject(ext).sfdc).failureReason].some(
        (reason) => typeof reason === 'string' && reason.startsWith(BAYEUX_MARK),
      ),
  )
}

function objectsOf(json: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(json)
    return (Array.isArray(value) ? value : [value]).map(asObject)
  } catch {
    return []
  }
}

function asObject(value: unknown): Record<string, unknown> {
  // A non-null object can be asked for any property; what it answers stays unknown.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
