import { settingsHelp } from '../config.ts'

/** `--help`: the commands and every setting. */
export function generalHelp(): string {
  return `cloudaware-proxy: plain HTTP on localhost in, authenticated Cloudaware CMDB API calls out.

Usage: cloudaware-proxy [serve] [flags]      run the proxy (the default)
       cloudaware-proxy demo [flags]         try it: an embedded Cloudaware org with the proxy in front
       cloudaware-proxy emulator [--port N]  the embedded org alone, for tests of your own

  --config FILE    read settings from FILE instead of config.env in the working directory
  --print-config   show the settings that would be used, credentials as <set>, and end
  --version        show the version and end
  --help, -h       show this and end

Settings are flags, environment variables or lines of config.env, in this order of precedence.
Switches need no value (--proxy-read-only). Credentials also come from files (NAME_FILE), never from flags.

${settingsHelp()}

Exit codes: 0 stopped with every request finished, 1 stopped with requests cut short, or a crash, 2 wrong configuration.`
}

/** The help of commands that have flags of their own. */
export const COMMAND_HELP: Readonly<Record<string, string>> = {
  demo: `Usage: cloudaware-proxy demo [flags of serve]

Starts an embedded Cloudaware org whose tokens live 60 seconds, and the proxy in front of it, until Ctrl-C.
Needs no account and no network. The proxy listens on 8080, or on any free port where that is taken.`,
  emulator: `Usage: cloudaware-proxy emulator [--port N] [--host ADDRESS] [--session-timeout-seconds N]

Starts the embedded Cloudaware org alone: token endpoint and CMDB API over the same invented records.
  --port N                      the port to listen on; 0, the default, takes any free one
  --host ADDRESS                the address to listen on (default: 127.0.0.1)
  --session-timeout-seconds N   how long a token lives without use (default: 7200)`,
}
