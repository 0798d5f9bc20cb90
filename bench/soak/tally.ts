/** What became of the calls. */
export class Tally {
  readonly #outcomes = new Map<string, number>()
  /** Of the proxy's making, as `failureOf` says. */
  readonly failures: string[] = []
  calls = 0
  misbehaved = 0

  add(outcome: string, failure?: string): void {
    this.calls += 1
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1)
    if (failure === undefined) return
    this.failures.push(`${new Date().toISOString()} ${failure}`)
    process.stderr.write(`failure caused by the proxy: ${this.failures.at(-1) ?? ''}\n`)
  }

  /** By kind, the most frequent first. */
  outcomes(): [string, number][] {
    return [...this.#outcomes].sort(([, a], [, b]) => b - a)
  }

  line(): string {
    return `${this.calls} calls, ${this.misbehaved} misbehaving clients, ${this.failures.length} failures of the proxy`
  }
}

export interface Answered {
  readonly status: number
  readonly proxyStatus: string | undefined
  readonly text: string
}

/** What the platform says where a session is dead or not its own, in the words of each API family. */
const DEAD_SESSION = /INVALID_SESSION_ID|InvalidSessionId|Bad_OAuth_Token|"401::/

/**
 * Why this answer to a well-behaved client is a failure caused by the proxy; undefined where it is none.
 *
 * - No whole answer: the connection was refused, reset or closed. (Thrown by the client, counted by its caller.)
 * - An error of the proxy's own, status 5xx. `isUpstreamOurs` is false for an org that may itself be down: then a 502 or 504 only reports that.
 * - A refusal of the session, which the proxy had to replace. `mayBeRefused`: a cursor of an earlier session, and a refusal of an Apex class.
 * - Another answer than the request's own. (Judged by the client, which knows what it asked.)
 */
export function failureOf(
  { status, proxyStatus, text }: Answered,
  { mayBeRefused, isUpstreamOurs }: { mayBeRefused: boolean; isUpstreamOurs: boolean },
): string | undefined {
  const isOwn = proxyStatus?.includes('error=') === true
  if (isOwn && status >= 500) {
    const isOfUpstream = status === 502 || status === 504
    return isOfUpstream && !isUpstreamOurs ? undefined : `${status} ${text.slice(0, 300)}`
  }
  return DEAD_SESSION.test(text) && !mayBeRefused ? `session refused: ${status} ${text.slice(0, 300)}` : undefined
}
