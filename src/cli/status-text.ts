import type { ApiRefusal } from '../api-refusals.ts'
import type { LifeSource } from '../token/lifetime.ts'
import type { TokenStatus } from '../token/token-status.ts'
import { inWords } from './duration.ts'
import { diagnosisRows, rowText, type Paint, type Row, type Style } from './layout.ts'

/** What `GET /status` answers, as far as it is shown; a proxy of another version may tell less. */
export interface StatusAnswer {
  readonly version?: string
  readonly url?: string | null
  readonly startedAt?: string
  readonly uptimeSeconds?: number
  readonly isDraining?: boolean
  readonly upstream?: string
  readonly token?: TokenStatus
  readonly apiRefusals?: readonly ApiRefusal[]
}

type Verdict = 'ready' | 'degraded' | 'unready' | 'draining'

const HEADLINES: Readonly<Record<Verdict, readonly [Style, string]>> = {
  ready: ['green', 'ready'],
  degraded: ['yellow', 'ready, but its token cannot be replaced'],
  unready: ['red', 'not ready: it holds no token'],
  draining: ['yellow', 'not ready: it is draining, to stop'],
}

/** Whether the proxy serves, in one word. */
export function verdictOf({ isDraining, token }: StatusAnswer): Verdict {
  if (isDraining === true) return 'draining'
  if (token?.state === 'ready' || token?.state === 'degraded') return token.state
  return 'unready'
}

/** The status at a glance. */
export function statusText(status: StatusAnswer, paint: Paint): string {
  const [style, words] = HEADLINES[verdictOf(status)]
  const head = `${paint(style, '●')} cloudaware-proxy ${status.version ?? ''}: ${paint(style, words)}\n\n`
  return (
    head +
    [...addresses(status), ...tokenRows(status.token)].map(shown).join('') +
    trouble(status.token, paint) +
    refusals(status, paint)
  )
}

const LIFE_SOURCES: Readonly<Record<LifeSource, string>> = {
  expires_in: 'as the token answer says',
  jwt: 'as the token itself says',
  introspection: 'as introspection says',
  learned: 'as learned from refusals',
  configured: 'assumed: TOKEN_LIFETIME_SECONDS',
}

function shown(row: Row): string {
  return rowText(row, { indent: 2, labelWidth: 9 })
}

function addresses({ url, upstream, startedAt, uptimeSeconds }: StatusAnswer): Row[] {
  const since = startedAt === undefined ? '' : `, since ${readable(startedAt)}`
  return [
    ...(typeof url !== 'string' ? [] : [{ label: 'Proxy', text: url }]),
    ...(upstream === undefined ? [] : [{ label: 'Upstream', text: upstream }]),
    ...(uptimeSeconds === undefined ? [] : [{ label: 'Up', text: inWords(uptimeSeconds) + since }]),
  ]
}

function readable(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+/, '')
}

function tokenRows(status: TokenStatus | undefined): Row[] {
  if (status === undefined) return []
  const { token, budget, nextRefreshInSeconds } = status
  const next = `${token === null ? 'next attempt' : 'next refresh'} in ${inWords(nextRefreshInSeconds)}`
  const asked = `${budget.used} of ${budget.limit} token requests used in the last hour`
  return [
    ...(token === null
      ? [{ label: 'Token', text: `none; ${next}` }]
      : [
          { label: 'Token', text: `${token.fingerprint} (${token.format}), obtained ${inWords(token.ageSeconds)} ago` },
          { label: 'Life', text: `${lifeLeft(token)}; ${next}` },
        ]),
    { label: 'Budget', text: budget.isHeldBack ? `${asked}: the next one is held back` : asked },
  ]
}

function lifeLeft({ lifeLeftSeconds, lifeSource }: NonNullable<TokenStatus['token']>): string {
  const source = LIFE_SOURCES[lifeSource]
  return lifeLeftSeconds >= 0
    ? `${inWords(lifeLeftSeconds)} left (${source})`
    : `past its end by ${inWords(-lifeLeftSeconds)} (${source}), and still accepted`
}

/** Why there is no token, or no new one, until when, and what to do about it. */
function trouble(status: TokenStatus | undefined, paint: Paint): string {
  const pause = status?.pause ?? undefined
  if (pause === undefined) return ''
  const { waitingFor, since, until, reason, fix } = pause
  const failure = status?.failure ?? undefined
  const rows = [
    { label: 'Waiting', text: `for ${waitingFor}, since ${readable(since)}, until ${readable(until)}` },
    ...(failure?.diagnosis.summary !== reason ? [{ label: 'To do', text: fix }] : failureRows(failure)),
  ]
  return `\n  ${paint('red', reason)}\n${rows.map((row) => rowText(row, { indent: 4, labelWidth: 19 })).join('')}`
}

function failureRows({ diagnosis, error, description, inARow, secret }: NonNullable<TokenStatus['failure']>): Row[] {
  const words = description === '' ? error : `${error}: ${description}`
  return [
    { label: 'Answered', text: `${words} (${inARow} in a row)` },
    ...(secret === null ? [] : [{ label: 'Refused', text: `${secret.name}, fingerprint ${secret.fingerprint}` }]),
    ...diagnosisRows(diagnosis),
  ]
}

function refusals({ apiRefusals = [] }: StatusAnswer, paint: Paint): string {
  return apiRefusals
    .map(({ family, diagnosis, since, count }) => {
      const head = `The ${FAMILY_NAMES[family]} API refuses the session, which a new token cannot mend.`
      const rows = [
        { label: 'Seen', text: `${count} in a row, since ${readable(since)}` },
        { label: 'To do', text: diagnosis },
      ]
      return `\n  ${paint('red', head)}\n${rows.map((row) => rowText(row, { indent: 4, labelWidth: 19 })).join('')}`
    })
    .join('')
}

const FAMILY_NAMES: Readonly<Record<ApiRefusal['family'], string>> = {
  rest: 'REST',
  bulk1: 'Bulk 1.0',
  soap: 'SOAP',
  streaming: 'streaming',
  identity: 'identity',
}
