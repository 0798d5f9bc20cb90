import type { IngestJob, Jobs, QueryJob } from './bulk-types.ts'
import type { OrgState } from './org-state.ts'
import type { Cursors } from './cursors.ts'
import type { RecordStore } from './record-store.ts'

/** All that a route of the API can touch. */
export interface Org {
  readonly state: OrgState
  readonly store: RecordStore
  readonly cursors: Cursors
  readonly queryJobs: Jobs<QueryJob>
  readonly ingestJobs: Jobs<IngestJob>
}
