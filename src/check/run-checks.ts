import { Agent } from 'undici'
import type { Clock } from '../clock.ts'
import { companyProxyOf } from '../company-proxy.ts'
import type { Settings } from '../config.ts'
import { withDeadline } from '../token/deadline.ts'
import { OAuthError } from '../token/oauth-error.ts'
import { fixedSecret } from '../token/secret-source.ts'
import { tokenClients } from '../token-clients.ts'
import { connectorFor } from '../upstream/connector.ts'
import { trusting } from '../upstream/trust.ts'
import { apiStep, cmdbStep, userStep } from './api-steps.ts'
import { CheckFailure, type Advice, type Trouble } from './finding.ts'
import { hostStep } from './host-step.ts'
import { dnsStep, tcpStep } from './network-steps.ts'
import { settingsStep } from './settings-step.ts'
import { storeStep } from './store-step.ts'
import { tlsStep } from './tls-step.ts'
import { introspectionStep, tokenStep } from './token-steps.ts'
import { networkFailure } from './trouble.ts'
import type { Step, Visit } from './visit.ts'

/** The way of a request, in the order in which it goes. */
export const STEPS: readonly Step[] = [
  { name: 'settings', title: 'Settings', run: settingsStep },
  { name: 'dns', title: 'DNS', run: dnsStep },
  { name: 'tcp', title: 'TCP', run: tcpStep },
  { name: 'tls', title: 'TLS', run: tlsStep },
  { name: 'host', title: 'Host', run: hostStep },
  { name: 'token', title: 'Token', run: tokenStep },
  { name: 'introspection', title: 'Introspection', isOptional: true, run: introspectionStep },
  { name: 'store', title: 'Store', isOptional: true, run: storeStep },
  { name: 'api', title: 'API', run: apiStep },
  { name: 'user', title: 'Run As user', isOptional: true, run: userStep },
  { name: 'cmdb', title: 'CMDB', run: cmdbStep },
]

/** What became of a step. */
export interface StepResult {
  readonly name: string
  readonly title: string
  readonly status: 'ok' | 'note' | 'skipped' | 'failed'
  readonly summary: string
  readonly advice?: Advice | undefined
  readonly facts?: Readonly<Record<string, unknown>> | undefined
  /** Of a step that failed. */
  readonly trouble?: Trouble
  readonly ms: number
}

export interface CheckOptions {
  readonly settings: Settings
  readonly warnings: readonly string[]
  readonly clock: Clock
  /** The content of CLOUDAWARE_CA_FILE. */
  readonly ca?: string | undefined
  /** The content of CLOUDAWARE_JWT_KEY_FILE. */
  readonly jwtKey?: string | undefined
  /** How long each step may take. */
  readonly timeoutMs: number
  readonly onSecret: (secret: string) => void
}

/** Goes the way of a request, step by step, and stops where going on makes no sense. */
export async function* runChecks(options: CheckOptions): AsyncGenerator<StepResult> {
  const { settings, warnings, clock, ca: further, timeoutMs, onSecret } = options
  const secureContext = trusting(further)
  const connector = connectorFor({
    timeoutMs: Math.min(timeoutMs, settings.UPSTREAM_CONNECT_TIMEOUT_MS),
    secureContext,
    proxy: companyProxyOf(settings),
  })
  const dispatcher = new Agent({ connect: connector })
  const secrets = {
    CLOUDAWARE_CLIENT_ID: settings.CLOUDAWARE_CLIENT_ID,
    CLOUDAWARE_CLIENT_SECRET: settings.CLOUDAWARE_CLIENT_SECRET ?? '',
    CLOUDAWARE_JWT_KEY: options.jwtKey ?? '',
  }
  const open = (name: keyof typeof secrets) => fixedSecret(name, secrets[name])
  const clients = tokenClients({ settings, dispatcher, now: () => clock.now(), open })
  const visit: Visit = {
    settings,
    warnings,
    clock,
    secureContext,
    further,
    connector,
    dispatcher,
    timeoutMs,
    onSecret,
    ...clients,
  }
  try {
    for (const step of STEPS) {
      const result = await take(step, visit)
      yield result
      if (result.status === 'failed') return
    }
  } finally {
    await dispatcher.destroy()
  }
}

async function take({ name, title, isOptional, run }: Step, visit: Visit): Promise<StepResult> {
  const { clock, timeoutMs, settings } = visit
  const startedAt = clock.monotonic()
  const ms = () => Math.round(clock.monotonic() - startedAt)
  const never = new AbortController().signal
  try {
    const finding = await withDeadline({ clock, timeoutMs, signal: never }, async (signal) => run(visit, signal))
    return { name, title, ...finding, ms: ms() }
  } catch (thrown) {
    // Anything else is a mistake in this program.
    if (!(thrown instanceof CheckFailure || thrown instanceof OAuthError)) throw thrown
    const { summary, advice, facts, trouble } = networkFailure(thrown, new URL(settings.CLOUDAWARE_URL).host)
    if (isOptional) return { name, title, status: 'note', summary, advice, facts, ms: ms() }
    return { name, title, status: 'failed', summary, advice, facts, trouble, ms: ms() }
  }
}
