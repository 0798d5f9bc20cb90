import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Answer } from './answer.ts'
import { recordId, toId18 } from './record-id.ts'
import { Sessions, type Session } from './sessions.ts'
import { Switches, type SwitchName } from './switches.ts'
import { TokenSigner } from './token-signer.ts'

const HOUR_MS = 3_600_000

export interface OrgOptions {
  clock: Clock
  seed: number
  clientId?: string | undefined
  clientSecret?: string | undefined
  username?: string | undefined
  /** Of the user, for the SOAP login. */
  password?: string | undefined
  /** The idle timeout; two hours unless told otherwise. */
  sessionTimeoutMs?: number | undefined
  /** Sessions end after this time, however much they are used. */
  sessionLifetimeMs?: number | undefined
  /** Ends all sessions again and again, as a program that logs out the shared session does. */
  killSessionsEveryMs?: number | undefined
  /** JWT-based access tokens end at a fixed time and open the REST APIs only. */
  tokenFormat?: 'opaque' | 'jwt' | undefined
  /** Whether token answers carry `expires_in`, which Salesforce's do not. */
  expiresIn?: boolean | undefined
  /** PEM public key or certificate of the app: opens the JWT bearer grant. */
  jwtPublicKey?: string | undefined
  loginLimitPerHour?: number | undefined
  dailyRequestLimit?: number | undefined
}

/** The org as its administrator sees it: the app's credentials, the sessions, the counters, and the switches that make it misbehave. */
export class OrgState {
  readonly clock: Clock
  readonly sessions: Sessions
  readonly switches = new Switches()
  readonly signer: TokenSigner
  readonly orgId: string
  readonly userId: string
  readonly username: string
  readonly password: string
  readonly clientId: string
  clientSecret: string
  tokenFormat: 'opaque' | 'jwt'
  /** As the administrator uploaded it last. */
  jwtPublicKey: string | undefined
  /** Whether token answers carry `expires_in`; Salesforce's do not. */
  expiresIn: boolean
  /** Whether a mint that hands back the live session counts as activity. Unknown of the real one, so off: the harsher case. */
  mintIsActivity = false
  /** Further waits before each answer, by the emulator's clock. */
  mintDelayMs = 0
  apiDelayMs = 0
  /** How long a Bulk 2.0 job stays InProgress. */
  jobDurationMs = 0
  /** The Domain of the edge's cookies: the real one's hosts lie in it. Clients that keep cookies fail where theirs does not. */
  cookieDomain: string | undefined = '.salesforce.com'
  /** What token answers name as `instance_url`, where it is not the address that was called. */
  instanceUrl: string | undefined
  readonly loginLimitPerHour: number
  dailyRequestLimit: number
  apiRequests = 0
  tokenRequests = 0
  tokensIssued = 0
  /** How many times the Apex REST class has run. */
  apexRuns = 0
  /** Ends the waits of answers under way when the emulator closes. */
  readonly closing = new AbortController()
  readonly #logins: number[] = []
  #killing = new AbortController()

  constructor(options: OrgOptions) {
    this.clock = options.clock
    const orgId15 = recordId('00D', options.seed + 7_654_321).slice(0, 15)
    this.orgId = toId18(orgId15)
    this.userId = recordId('005', 1)
    this.username = options.username ?? 'integration@cloudaware.example'
    this.password = options.password ?? derive(`password ${options.seed}`, 'hex').slice(0, 16)
    this.clientId =
      options.clientId ?? `3MVG9${derive(`key ${options.seed}`, 'base64url').replace(/[-_]/g, 'x').slice(0, 80)}`
    this.clientSecret = options.clientSecret ?? derive(`secret ${options.seed}`, 'hex').slice(0, 64).toUpperCase()
    this.tokenFormat = options.tokenFormat ?? 'opaque'
    this.jwtPublicKey = options.jwtPublicKey
    this.expiresIn = options.expiresIn ?? false
    this.loginLimitPerHour = options.loginLimitPerHour ?? 3600
    this.dailyRequestLimit = options.dailyRequestLimit ?? 100_000
    this.sessions = new Sessions(options.clock, orgId15, options.sessionTimeoutMs ?? 2 * HOUR_MS)
    this.sessions.lifetimeMs = options.sessionLifetimeMs
    this.signer = new TokenSigner(this)
    if (options.killSessionsEveryMs !== undefined) this.killSessionsEvery(options.killSessionsEveryMs)
  }

  /** Switches a misbehaviour on, for so many requests or until `heal`; with a path, only for requests whose path begins with it. */
  fail(name: SwitchName, times = Infinity, path?: string): void {
    this.switches.set(name, times, path)
  }

  /** The next `times` requests of that kind get this very answer. */
  failWith(on: 'token' | 'api', answer: Answer, times = 1): void {
    this.switches.setAnswer(on, answer, times)
  }

  /** Switches one misbehaviour off, or all. */
  heal(name?: SwitchName): void {
    this.switches.clear(name)
  }

  killSessions(): void {
    this.sessions.endAll()
  }

  /** Ends all sessions at this interval from now on; 0 stops it. */
  killSessionsEvery(ms: number): void {
    this.#killing.abort()
    this.#killing = new AbortController()
    const signal = AbortSignal.any([this.#killing.signal, this.closing.signal])
    const repeat = async () => {
      for (;;) {
        await this.clock.sleep(ms, signal)
        this.killSessions()
      }
    }
    // Ends by the signal only.
    if (ms > 0) repeat().catch(() => undefined)
  }

  /** The old secret stops working at once; sessions opened with it live on. */
  rotateSecret(secret: string): void {
    this.clientSecret = secret
  }

  /** Counts a login; false where the user is over the hourly limit. */
  countLogin(): boolean {
    if (this.loginsLastHour >= this.loginLimitPerHour) return false
    this.#logins.push(this.clock.now())
    return true
  }

  get loginsLastHour(): number {
    const now = this.clock.now()
    while ((this.#logins[0] ?? now) <= now - HOUR_MS) this.#logins.shift()
    return this.#logins.length
  }

  /** A session for the run-as user: the live one again, or a new one. */
  async openSession(instanceUrl: string): Promise<Session> {
    if (this.tokenFormat === 'jwt') {
      const expiresAt = this.clock.now() + (this.sessions.lifetimeMs ?? this.sessions.timeoutMs)
      return this.sessions.add(await this.signer.sign(instanceUrl, expiresAt), expiresAt)
    }
    const session = this.sessions.open()
    if (this.mintIsActivity) this.sessions.use(session.token)
    return session
  }

  /** Waits by the emulator's clock; cut short when it closes. */
  async wait(ms: number): Promise<void> {
    if (ms > 0) await this.clock.sleep(ms, this.closing.signal)
  }

  identityUrl(): string {
    return `https://login.salesforce.com/id/${this.orgId}/${this.userId}`
  }
}

function derive(text: string, encoding: 'hex' | 'base64url'): string {
  return createHash('sha512').update(`emulator ${text}`).digest(encoding)
}
