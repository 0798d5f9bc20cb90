import type { TokenEvent } from '../token/token-source.ts'

/** What `systemctl status` says after this event; undefined where it changes nothing. */
export function serviceStatus(event: TokenEvent): string | undefined {
  switch (event.type) {
    case 'obtained':
    case 'unchanged':
      return `Ready, with token ${event.fingerprint}`
    case 'failed':
      return event.serving === undefined
        ? `Not ready: ${event.diagnosis.summary}`
        : `Ready, but its token cannot be replaced: ${event.diagnosis.summary}`
    default:
      return undefined
  }
}
