import type { IngestJob, Jobs, QueryJob } from './bulk-types.ts'
import type { Bulk1Job } from './bulk1/bulk1-types.ts'
import type { OrgState } from './org-state.ts'
import type { Cursors } from './cursors.ts'
import type { RecordStore } from './record-store.ts'
import type { StreamingClients } from './streaming/streaming-clients.ts'

/** All that a route of the API can touch. */
export interface Org {
  readonly state: OrgState
  readonly store: RecordStore
  readonly cursors: Cursors
  readonly queryJobs: Jobs<QueryJob>
  readonly ingestJobs: Jobs<IngestJob>
  readonly bulk1Jobs: Jobs<Bulk1Job>
  readonly streaming: StreamingClients
}
