import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import type { Clock } from './clock.ts'
import { secretsOf, type Settings } from './config.ts'
import { Feed } from './inspector/feed.ts'
import { toHar } from './inspector/har.ts'
import { Inspector } from './inspector/inspector.ts'
import { replay } from './inspector/replay.ts'
import type { ApiAllowance, Overview } from './inspector/wire.ts'
import { pageFiles } from './page/page-files.ts'
import type { ReplayOutcome, ReplayWish, StatusPage } from './server/admin/status-page.ts'

/** Tokens come and go; what was sent with an old one may still be on its way. */
const REMEMBERED_TOKENS = 8

export interface InspectionOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly version: string
}

export interface PageSources {
  readonly overview: () => Overview
  readonly allowance: () => readonly ApiAllowance[]
}

/** The status page and its inspector, put together: what is remembered, for whom, and without which secrets. */
export class Inspection {
  readonly inspector: Inspector
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #version: string
  readonly #secrets: Set<string>
  readonly #tokens = new Set<string>()
  readonly #agent = new Agent()
  #lastToken = ''
  #feed: Feed | undefined

  constructor({ settings, clock, version }: InspectionOptions) {
    this.#settings = settings
    this.#clock = clock
    this.#version = version
    this.#secrets = new Set(secretsOf(settings))
    this.inspector = new Inspector({ clock, secrets: () => [...this.#secrets, ...this.#tokens] })
  }

  /** A secret that came after the settings. */
  addSecret(secret: string): void {
    this.#secrets.add(secret)
  }

  /** A token that is about to be sent: whatever comes back must not show it. */
  addToken(token: string): void {
    if (token === this.#lastToken) return
    this.#lastToken = token
    this.#tokens.add(token)
    const [oldest] = this.#tokens
    if (this.#tokens.size > REMEMBERED_TOKENS && oldest !== undefined) this.#tokens.delete(oldest)
  }

  page({ overview, allowance }: PageSources): StatusPage {
    const { exchanges } = this.inspector
    const feed = new Feed({
      clock: this.#clock,
      inspector: this.inspector,
      overview,
      allowance,
      keepsBodies: this.#settings.INSPECT,
      asksForKey: this.#settings.PROXY_API_KEY !== undefined,
    })
    this.#feed = feed
    return {
      file: pageFiles(),
      closedTo: (remoteAddress) => this.#closedTo(remoteAddress),
      watch: (viewer) => feed.join(viewer),
      exchange: (n) => exchanges.find(n)?.detail,
      har: (wanted) => {
        exchanges.settle()
        const found = exchanges.after(0).map(({ detail }) => detail)
        const kept = wanted === undefined ? found : found.filter(({ n }) => wanted.includes(n))
        return toHar(kept, { version: this.#version, url: overview().url ?? '' })
      },
      replay: (n, wish) => this.#replay(n, overview().url ?? '', wish),
    }
  }

  async close(): Promise<void> {
    this.#feed?.close()
    this.inspector.close()
    await this.#agent.destroy()
  }

  /**
   * Exchanges are customer data. INSPECT=true shows them to everybody whom the admin listener lets in. Without it they are for this
   * machine alone, and not even for that where callers need a key: then its other users are not trusted.
   */
  #closedTo(remoteAddress: string | undefined): string | undefined {
    const { INSPECT, PROXY_API_KEY } = this.#settings
    if (INSPECT) return undefined
    if (PROXY_API_KEY !== undefined) {
      return 'This proxy asks its callers for a key, and this page asks for none: start it with INSPECT=true to show exchanges here.'
    }
    if (isLoopback(remoteAddress ?? '')) return undefined
    return 'Exchanges are shown to this machine alone: start the proxy with INSPECT=true to show them to others.'
  }

  async #replay(n: number, proxyUrl: string, { isAgreed, apiKey, signal }: ReplayWish): Promise<ReplayOutcome> {
    const record = this.inspector.exchanges.find(n)
    if (record === undefined) return { kind: 'gone' }
    const offer = record.detail.replay
    if (offer.kind === 'impossible') return offer
    if (offer.kind === 'ask' && !isAgreed) return { kind: 'ask' }
    const requestId = randomUUID()
    this.inspector.exchanges.expectReplay(requestId, n)
    try {
      const status = await replay(record, { proxyUrl, requestId, apiKey, dispatcher: this.#agent, signal })
      return { kind: 'done', status, requestId }
    } catch {
      // While it drains, it takes no requests; nor does it answer one that somebody gave up.
      return { kind: 'impossible', why: 'The proxy did not take it, or broke off: it may be stopping.' }
    }
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}
