import { settingsHelp } from '../config.ts'

/** `--help`: the commands and every setting. */
export function generalHelp(): string {
  return `cloudaware-proxy: plain HTTP on localhost in, authenticated Cloudaware CMDB API calls out.

Usage: cloudaware-proxy [serve] [flags]     run the proxy (the default)
       cloudaware-proxy check [--json]      find out what is wrong, step by step
       cloudaware-proxy exec -- COMMAND …   run a command with a proxy of its own
       cloudaware-proxy status [--json]     how the running proxy is doing
       cloudaware-proxy wait [--max 30s]    wait until the running proxy is ready
       cloudaware-proxy quit                ask the running proxy to finish and end
       cloudaware-proxy demo [flags]        try it: an embedded Cloudaware org with the proxy in front
       cloudaware-proxy emulator [--port N] the embedded org alone, for tests of your own
       cloudaware-proxy COMMAND --help      more about one of them

  --config FILE    read settings from FILE instead of config.env in the working directory
  --print-config   show the settings that would be used, credentials as <set>, and end
  --quiet, -q      log warnings and errors only, as --log-level warn does
  --version        show the version and end
  --help, -h       show this and end

Settings are flags, environment variables or lines of config.env, in this order of precedence.
Switches need no value (--proxy-read-only). Credentials also come from files (NAME_FILE), never from flags.

${settingsHelp()}

Exit codes: 0 stopped with every request finished, 1 stopped with requests cut short, or a crash, 2 wrong configuration.`
}

const ADMIN_FLAGS = '[--admin-host ADDRESS] [--admin-port N] [--config FILE]'
const ADMIN_HELP = `The admin listener is looked for where ADMIN_HOST and ADMIN_PORT say, as the proxy itself reads them.`

/** The help of commands that have flags of their own. */
export const COMMAND_HELP: Readonly<Record<string, string>> = {
  demo: `Usage: cloudaware-proxy demo [flags of serve]

Starts an embedded Cloudaware org whose tokens live 60 seconds, and the proxy in front of it, until Ctrl-C.
Needs no account and no network. The proxy listens on 8080, or on any free port where that is taken.`,
  check: `Usage: cloudaware-proxy check [--json] [--timeout DURATION] [flags of serve]

Goes the way of a request step by step, with the settings that serve would use, and says at the first step that fails what to do:
settings, DNS, TCP, TLS, whether a Salesforce org answers, token, introspection, an API call, the Run As user, the CMDB's objects.
It starts no proxy, asks for one token, and prints no secret.
  --json               show it as JSON, for programs
  --timeout DURATION   how long a step may take: 500ms, 20s, 2m (default: 20s)

Exit codes: 0 fine, 2 settings, 3 network, 4 TLS, 5 credentials or app setup, 6 API permissions.`,
  exec: `Usage: cloudaware-proxy exec [--max DURATION] [flags of serve] -- COMMAND [ARGUMENT …]

Starts the proxy on a free port, waits for its first token, and runs the command with the address of the proxy in
CLOUDAWARE_PROXY_URL and SF_ORG_INSTANCE_URL. Standard streams, signals and the exit code are the command's; the proxy ends with it.
Several may run at once: ports and listeners of config.env and the environment do not count here (flags do), the admin listener is off.
CLOUDAWARE_CLIENT_SECRET is kept from the command. The log goes to the standard error, warnings only (LOG_LEVEL, --log-level).
  --max DURATION   how long to wait for the first token at most: 500ms, 30s, 2m (default: 30s)

Exit codes: the command's own, 128 + n where signal n ended it; 125 the command was not started: no token, or no listener;
126 it cannot be run, 127 there is no such command; 2 wrong flags or settings.`,
  status: `Usage: cloudaware-proxy status [--json] ${ADMIN_FLAGS}

Shows how the running proxy is doing: whether it serves, its token's life, and what is wrong and how to mend it.
  --json   show it as JSON, for programs
${ADMIN_HELP}

Exit codes: 0 it serves, 1 it is not ready, 2 wrong flags or settings, 3 no proxy answers.`,
  wait: `Usage: cloudaware-proxy wait [--max DURATION] ${ADMIN_FLAGS}

Waits until the running proxy is ready: until it holds a token. Says why where it is not.
  --max DURATION   how long at most: 500ms, 30s, 2m, 1h (default: 30s)
${ADMIN_HELP}

Exit codes: 0 ready, 1 not ready in time, 2 wrong flags or settings, 3 no proxy answers in that time.`,
  quit: `Usage: cloudaware-proxy quit ${ADMIN_FLAGS}

Asks the running proxy to drain and end, as SIGTERM does; the proxy must have been started with ADMIN_ALLOW_QUIT=true.
${ADMIN_HELP}

Exit codes: 0 it drains, 1 it may not be ended like this, 2 wrong flags or settings, 3 no proxy answers.`,
  emulator: `Usage: cloudaware-proxy emulator [flags]

Starts the embedded Cloudaware org alone: token endpoint and CMDB API over the same invented records.
  --port N                      the port to listen on; 0, the default, takes any free one
  --host ADDRESS                the address to listen on (default: 127.0.0.1)
  --session-timeout-seconds N   how long a session lives without use (default: 7200)
  --session-lifetime-seconds N  how long it lives at most, however much it is used (default: no limit)
  --kill-sessions-every-seconds N
                                ends all sessions at this interval, as another program's logout does
  --token-format FORMAT         opaque (default), or jwt: a token that differs each time and opens the REST APIs only
  --logins-per-hour N           token requests that are granted within an hour (default: 3600)
  --requests-per-day N          API requests that are answered within a day (default: 100000)
  --tls-cert-file FILE          speak https, with this certificate (PEM) and --tls-key-file FILE;
                                a proxy on another host, or in another container, demands it

A query cursor (nextRecordsUrl, SOAP queryMore) belongs to the session that opened it; another session gets INVALID_SESSION_ID.
POST /services/apexrest/relay runs an Apex class that relays the 401 of its own callout.

While it runs, POST /__emulator/ACTION changes how it behaves, and GET /__emulator/state shows that, with its counters:
  fail?name=NAME[&times=N][&path=PREFIX]   one of the failures that state lists, for requests to this path only
  heal[?name=NAME]                         ends one of them, or all
  kill-sessions[?every=MS]                 ends all sessions, now or at this interval (0: no longer)
  session-timeout?ms=N, session-lifetime?ms=N, delay?mint=MS&api=MS, rotate-secret?secret=TEXT, publish?channel=NAME`,
}
