import { notFound } from './api-error.ts'
import type { Operation, SaveResult } from './dml-types.ts'
import { normaliseId, recordId } from './record-id.ts'
import type { ObjectType } from './schema-types.ts'
import type { QueryResult } from './soql.ts'

export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Aborted' | 'Failed'

/** A Bulk API 2.0 job of either kind. */
export interface Job {
  readonly id: string
  readonly createdAt: number
  readonly apiVersion: string
  readonly columnDelimiter: string
  readonly lineEnding: string
  state: JobState
  /** When its data were complete, so that processing began. */
  startedAt: number | undefined
}

/** Jobs by Id, oldest first. */
export class Jobs<J extends { readonly id: string }> {
  readonly #jobs = new Map<string, J>()
  readonly #keyPrefix: string

  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix
  }

  nextId(): string {
    return recordId(this.#keyPrefix, this.#jobs.size + 1)
  }

  add(job: J): void {
    this.#jobs.set(job.id, job)
  }

  /** Throws NOT_FOUND. */
  get(id: string): J {
    const job = this.#jobs.get(normaliseId(id) ?? '')
    if (job === undefined) throw notFound()
    return job
  }

  remove(id: string): void {
    this.#jobs.delete(this.get(id).id)
  }

  all(): J[] {
    return [...this.#jobs.values()]
  }
}

export interface QueryJob extends Job {
  readonly operation: 'query' | 'queryAll'
  readonly result: QueryResult
}

/** A line of the upload, and what became of it. */
interface Line {
  readonly values: readonly string[]
  readonly result: SaveResult
}

export interface IngestJob extends Job {
  readonly type: ObjectType
  readonly operation: Operation
  readonly operationName: string
  columns: readonly string[]
  waiting: readonly (readonly string[])[]
  done: readonly Line[]
  errorMessage: string | undefined
}
