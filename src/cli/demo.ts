import { loadSettings, type Settings } from '../config.ts'
import type { App, AppDependencies } from '../app.ts'
import { systemClock } from '../clock.ts'
import { startEmulator, type Emulator } from '../emulator/emulator.ts'
import type { Cli, ExitCode } from './cli.ts'
import { freePort } from './free-port.ts'
import { loggerFor, startOrExplain } from './serve.ts'

const TOKEN_LIFE_SECONDS = 60

/** Runs an embedded Cloudaware org and the proxy in front of it until it is stopped. */
export async function demo(cli: Cli): Promise<ExitCode> {
  const org = await startEmulator({ sessionTimeoutMs: TOKEN_LIFE_SECONDS * 1000 })
  const closeOrg = () => org.close()
  let settings: Settings
  try {
    settings = await settingsFor(org, cli)
  } catch (error) {
    await closeOrg()
    throw error
  }
  const onTokenEvent: AppDependencies['onTokenEvent'] = (event) => {
    const line = tokenLine(event)
    if (line !== undefined) cli.out(`  ${timeOfDay()}  ${line}\n`)
  }
  const app = await startOrExplain({
    settings,
    ...(await loggerFor(settings, cli)),
    cli,
    onTokenEvent,
    alsoClose: closeOrg,
  })
  if (app === undefined) return 1
  cli.out(invitation(app, org))
  return undefined
}

/** Flags count as for `serve`. The user's environment and config.env do not: they speak of the real org. */
async function settingsFor(org: Emulator, { argv, env }: Cli): Promise<Settings> {
  return loadSettings({
    argv,
    env: {
      CLOUDAWARE_URL: org.url,
      CLOUDAWARE_CLIENT_ID: org.clientId,
      CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
      TOKEN_LIFETIME_SECONDS: String(TOKEN_LIFE_SECONDS),
      // Tokens this short need more requests than those of any real org.
      TOKEN_REQUESTS_PER_HOUR: '3600',
      PROXY_PORT: String(await freePort(8080)),
      ADMIN_PORT: String(await freePort(9090)),
      // The lines about the token are what there is to see; warnings would still come between them.
      LOG_LEVEL: env.LOG_LEVEL ?? 'warn',
      LOG_FORMAT: env.LOG_FORMAT,
    },
  })
}

type TokenEvent = Parameters<NonNullable<AppDependencies['onTokenEvent']>>[0]

/** What the demo tells of an event; most are not worth a line. */
export function tokenLine(event: TokenEvent): string | undefined {
  if (event.type === 'obtained') {
    const how = event.reason === 'start' ? 'first token obtained' : 'token refreshed in the background'
    return `${how}: ${event.fingerprint}, good for ${event.lifeSeconds} s`
  }
  if (event.type !== 'unchanged') return undefined
  return `token still the same: ${event.fingerprint}; asking again in ${event.nextInSeconds} s`
}

function timeOfDay(): string {
  return new Date(systemClock.now()).toISOString().slice(11, 19)
}

function invitation({ url, adminUrl }: App, org: Emulator): string {
  const api = `${url}/services/data/v67.0`
  return `
  An embedded Cloudaware org (${org.url}) with the proxy in front of it.

  Point any Salesforce tool at   ${url}   without a login, or try:

    curl ${api}/limits
    curl '${api}/query?q=SELECT+Name,CA10__stateName__c+FROM+CA10__CaAwsInstance__c+LIMIT+3'

  ${adminUrl === undefined ? '' : `How it is doing, in a browser: ${adminUrl}/\n  `}Tokens live ${TOKEN_LIFE_SECONDS} seconds here; below it is told what happens to them. Ctrl-C stops.

`
}
