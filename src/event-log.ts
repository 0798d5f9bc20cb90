import type { Logger } from 'pino'
import type { CertificateEvent } from './server/certificate.ts'
import type { ConnectionReport } from './server/connection-limit.ts'
import type { RejectedRequest } from './server/connection-guard.ts'
import type { StoreEvent } from './token-store/patient-store.ts'
import type { TokenEvent } from './token/token-source.ts'
import type { BearerEvent } from './upstream/bearer-options.ts'

/** Tells the log what happened to the token: what a person should see at info and above, the rest at debug. */
export function logTokenEvent(log: Logger, event: TokenEvent): void {
  switch (event.type) {
    case 'requested':
      log.debug({ reason: event.reason }, 'token request')
      return
    case 'obtained': {
      const { reason, fingerprint, format, lifeSeconds, lifeSource, afterFailures, refusedBefore } = event
      const failures = afterFailures > 0 && { afterFailures }
      const fields = { token: fingerprint, reason, format, lifeSeconds, lifeSource, ...failures }
      if (refusedBefore)
        log.warn(fields, 'the login host returned a token that was dead, and Cloudaware accepts it again')
      else log.info(fields, 'token obtained')
      return
    }
    case 'unchanged': {
      const { reason, fingerprint, nextInSeconds, afterFailures } = event
      const fields = { token: fingerprint, reason, nextInSeconds }
      if (afterFailures > 0)
        log.info({ ...fields, afterFailures }, 'token endpoint answers again; the token is still the same')
      else log.debug(fields, 'token unchanged')
      return
    }
    case 'failed': {
      const { kind, error, description, status, secret, failures, retryInSeconds, serving, diagnosis, loud } = event
      const fields = { kind, error, description, status, secret, failures, retryInSeconds, serving, diagnosis }
      if (loud) log[serving === undefined ? 'error' : 'warn'](fields, 'token request failed')
      else log.debug(fields, 'token request failed again')
      return
    }
    case 'refused':
      logDeath(log, event)
      return
    case 'life-learned':
      log.info({ lifeSeconds: event.lifeSeconds }, 'tokens end sooner than assumed: the assumption is lowered')
      return
    case 'life-introspected':
      log.debug({ token: event.fingerprint, lifeSeconds: event.lifeSeconds }, 'token introspected')
      return
    case 'introspection-failed':
      log[event.loud ? 'warn' : 'debug']({ error: event.error }, 'the token could not be introspected')
      return
    case 'held-back': {
      const { reason, requestsPerHour, resumesInSeconds, loud } = event
      log[loud ? 'warn' : 'debug'](
        { reason, requestsPerHour, resumesInSeconds },
        'token request held back: TOKEN_REQUESTS_PER_HOUR is used up. Find out what ends the sessions so often, or raise it',
      )
      return
    }
    case 'instance-url-refused':
      log.warn(
        { instanceUrl: event.instanceUrl },
        'the token answer names a host that is not trusted: kept CLOUDAWARE_URL; list the host in CLOUDAWARE_TRUSTED_HOSTS if it is yours',
      )
      return
    case 'secret-changed':
      log.info({ secret: event.secret }, 'secret changed: trying it')
      return
    case 'secret-unreadable':
      log.warn({ name: event.name, error: event.error }, 'secret file cannot be read: keeping the last good value')
  }
}

/** Tells the log what happened to a session on the way of a request; loudly, unless it is no news. */
export function logBearerEvent(log: Logger, event: BearerEvent, isNews = true): void {
  if (event.type === 'session-confirmed') {
    const { fingerprint, health, status } = event
    log[health === 'unknown' && isNews ? 'warn' : 'debug']({ token: fingerprint, health, status }, CONFIRMED[health])
    return
  }
  const { family } = event
  switch (event.type) {
    case 'session-replaced':
      log.info({ token: event.fingerprint, family }, 'the session ended: the request is sent again with a new token')
      return
    case 'session-lost':
      log.warn(
        { token: event.fingerprint, family },
        event.why === 'too_large'
          ? 'the session ended, and the body is too large to be sent again'
          : "the session ended, and the org's own code may have run: the request is not sent again",
      )
      return
    case 'api-refused':
      log[isNews ? 'warn' : 'debug'](
        { family, diagnosis: event.diagnosis },
        'the API refuses the session for a reason that a new token cannot mend',
      )
      return
    case 'replay-ended':
      log.debug({ family, outcome: event.outcome }, 'the request that was sent again is over')
      return
    case 'connection-replaced':
      log.debug({ family }, 'the upstream had closed an idle connection: the request is sent on another')
  }
}

function logDeath(log: Logger, event: Extract<TokenEvent, { type: 'refused' }>): void {
  const { fingerprint: token, ageSeconds, isEarly, replacedInSeconds } = event
  if (replacedInSeconds > 0) {
    const fields = { token, ageSeconds, replacedInSeconds }
    log.warn(fields, 'many sessions in a row ended as soon as they had begun: waiting before the next token request')
  } else {
    const fields = { token, ageSeconds }
    log[isEarly ? 'warn' : 'info'](fields, 'Cloudaware confirmed that the session has ended: requesting a new token')
  }
}

/** What a confirmation means. */
const CONFIRMED = {
  alive: 'a request was refused, but the session is valid: the refusal is passed on',
  dead: 'a request was refused, and the session has ended',
  unknown: 'a request was refused, and Cloudaware does not say whether the session is valid: the token is kept',
} as const

/** Tells the log what became of the https listener's certificate. */
export function logCertificateEvent(
  log: Logger,
  event: CertificateEvent | Extract<TokenEvent, { type: 'secret-unreadable' }>,
): void {
  switch (event.type) {
    case 'certificate-renewed':
      log.info({ fingerprint: event.fingerprint, validUntil: event.validUntil }, 'certificate read again')
      return
    case 'certificate-refused':
      log.warn({ problem: event.problem }, 'the new certificate is of no use: the old one is kept')
      return
    case 'secret-unreadable':
      logTokenEvent(log, event)
  }
}

/** Tells the log how the sharing of tokens between replicas goes. */
export function logStoreEvent(log: Logger, event: StoreEvent): void {
  switch (event.type) {
    case 'store-unavailable':
      log.warn(
        { error: event.error },
        'the token store (TOKEN_STORE_URL) is of no use: this replica asks for its own tokens',
      )
      return
    case 'store-available':
      log.info('the token store answers again')
      return
    case 'token-adopted':
      log.info({ token: event.fingerprint, generation: event.generation }, "another replica's token adopted")
  }
}

/** Reports that a listener had no room for more connections. */
export function logConnectionReport(
  log: Logger,
  report: ConnectionReport,
  listener: 'proxy' | 'admin' = 'proxy',
): void {
  const fields = { listener, ...report }
  if (report.error !== undefined) log.warn(fields, 'connections could not be accepted: out of file descriptors')
  else if (report.refused > 0) {
    log.warn(fields, 'connections refused: as many are open as may be, and none is idle')
  } else log.info(fields, 'idle connections closed to make room for others: as many are open as may be')
}

/** A request to the admin listener that could not be read; those to the proxy have an access line. */
export function logRejectedByAdmin(log: Logger, { id, method, status, problem }: RejectedRequest): void {
  const { code, rule } = problem
  log.info({ reqId: id, listener: 'admin', method, status, error: code, rule }, 'request rejected')
}
