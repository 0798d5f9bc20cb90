import type { Latency } from './latency.ts'
import type { StartUp } from './start-up.ts'
import type { Streams } from './streams.ts'
import type { Series } from './throughput.ts'
import type { RefreshUnderLoad } from './token-refresh.ts'

/** What a run found, as it is written to JSON. */
export interface Results {
  readonly at: string
  readonly machine: Readonly<Record<string, string>>
  readonly plain: readonly Series[]
  readonly tls: readonly Series[]
  readonly startUp: readonly StartUp[]
  readonly latency: readonly Latency[]
  readonly streams: readonly Streams[]
  readonly refresh: RefreshUnderLoad
}
