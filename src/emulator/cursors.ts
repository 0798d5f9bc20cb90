import { recordId } from './record-id.ts'
import type { QueryResult } from './soql.ts'

const MOST_CURSORS = 100

export interface Cursor {
  readonly result: QueryResult
  readonly pageSize: number
  /** The token of the session that opened it; no other session may read on. */
  readonly session: string
}

/** The open queries of the org, from which `nextRecordsUrl` reads on. The oldest are forgotten. */
export class Cursors {
  readonly #open = new Map<string, Cursor>()
  #count = 0

  open(cursor: Cursor): string {
    const id = recordId('01g', this.#count++)
    this.#open.set(id, cursor)
    const [oldest] = this.#open.keys()
    if (this.#open.size > MOST_CURSORS && oldest !== undefined) this.#open.delete(oldest)
    return id
  }

  find(id: string): Cursor | undefined {
    return this.#open.get(id)
  }
}
