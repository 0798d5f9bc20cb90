import type { Operation, SaveResult } from '../dml-types.ts'
import type { ObjectType } from '../schema-types.ts'
import type { QueryResult } from '../soql.ts'

export type BatchState = 'Queued' | 'InProgress' | 'Completed' | 'Failed' | 'NotProcessed'

/** A batch of a Bulk API 1.0 job: what was sent, and what became of it. */
export interface Batch {
  readonly id: string
  readonly createdAt: number
  readonly request: string
  state: BatchState
  stateMessage: string | undefined
  results: readonly SaveResult[]
  query: { readonly id: string; readonly result: QueryResult } | undefined
}

export interface Bulk1Job {
  readonly id: string
  readonly createdAt: number
  readonly apiVersion: string
  readonly type: ObjectType
  readonly operationName: string
  readonly operation: Operation | 'query' | 'queryAll'
  readonly contentType: 'CSV' | 'JSON'
  readonly concurrencyMode: string
  readonly batches: Batch[]
  state: 'Open' | 'Closed' | 'Aborted'
}
