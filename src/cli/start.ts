import type { ExitCode } from './cli.ts'
import { processCli } from './process-cli.ts'
import { run } from './run.ts'

export type Start = (options: { readonly release: () => void }) => Promise<ExitCode>

/** The whole program behind main.ts. `release` is called once signals are minded. */
export const start: Start = ({ release }) => run(processCli({ release }))
