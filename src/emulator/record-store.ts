import type { Clock } from '../clock.ts'
import { ApiError } from './api-error.ts'
import { createdAt, dateTime, makeRecord, sizes } from './cmdb-data.ts'
import { objectType } from './cmdb-schema.ts'
import { recordId } from './record-id.ts'
import { refuseConflicts, refuseEmptied, refuseIncomplete, refuseReadOnly } from './record-rules.ts'
import { checkedValues, completeRow } from './record-values.ts'
import type { ObjectType, Row } from './schema-types.ts'
import { standardRows, type OrgFacts } from './standard-data.ts'
import { Table } from './table.ts'

/** A record as it has become. */
export interface Change {
  readonly type: ObjectType
  readonly row: Row
  readonly kind: 'CREATE' | 'UPDATE' | 'DELETE'
}

interface Step {
  readonly change: Change
  readonly takeBack: () => void
}

/** The records of the org, made when their object is first touched and held in memory from then on. */
export class RecordStore {
  /** Called with each change once it is there to stay. */
  onChange: (change: Change) => void = () => undefined
  readonly #clock: Clock
  readonly #org: OrgFacts
  readonly #seed: number
  readonly #sizes: Record<string, number>
  readonly #tables = new Map<string, Table>()
  #inserted = 0
  /** What the transaction under way has done. */
  #steps: Step[] | undefined

  constructor(options: { clock: Clock; org: OrgFacts; seed: number; records: number }) {
    this.#clock = options.clock
    this.#org = options.org
    this.#seed = options.seed
    this.#sizes = sizes(options.records)
  }

  /** All records, the deleted ones only when asked for. */
  rows(type: ObjectType, includeDeleted = false): Row[] {
    return this.#table(type).values(includeDeleted)
  }

  /** The record of this 15- or 18-character Id, where it is there and not deleted. */
  find(type: ObjectType, id: string): Row | undefined {
    const row = this.#table(type).get(id)
    return row?.IsDeleted === true ? undefined : row
  }

  findByExternalId(type: ObjectType, field: string, value: string): Row | undefined {
    return this.#table(type).findUnique(field, value)
  }

  insert(type: ObjectType, sent: Record<string, unknown>): string {
    refuseReadOnly(type)
    const values = checkedValues(type, sent)
    refuseIncomplete(type, values)
    refuseConflicts(this, type, values)
    const id = recordId(type.keyPrefix, 10_000_000 + this.#inserted++)
    const row = completeRow(type, { id, values, userId: this.#org.userId, at: this.#clock.now() })
    const table = this.#table(type)
    table.add(row)
    this.#did({ type, row, kind: 'CREATE' }, () => {
      table.drop(row)
    })
    return id
  }

  update(type: ObjectType, id: string, sent: Record<string, unknown>): string {
    refuseReadOnly(type)
    const row = this.#existing(type, id)
    const values = checkedValues(type, sent)
    refuseEmptied(type, values)
    refuseConflicts(this, type, values, row)
    const before = { ...row }
    const table = this.#table(type)
    table.change(row, { ...values, ...this.#stamps() })
    this.#did({ type, row, kind: 'UPDATE' }, () => {
      table.change(row, before)
    })
    return String(row.Id)
  }

  remove(type: ObjectType, id: string): string {
    refuseReadOnly(type)
    const row = this.#existing(type, id)
    const before = { ...row }
    const table = this.#table(type)
    table.bin(row, this.#stamps())
    this.#did({ type, row, kind: 'DELETE' }, () => {
      table.change(row, before)
    })
    return String(row.Id)
  }

  /** Runs the work, and takes its changes back where its outcome is not to be kept, or where it throws. An inner one is part of the outer. */
  transaction<T>(work: () => T, isKept: (outcome: T) => boolean): T {
    const outer = this.#steps
    const steps: Step[] = []
    this.#steps = steps
    let kept = false
    try {
      const outcome = work()
      kept = isKept(outcome)
      return outcome
    } finally {
      this.#steps = outer
      if (!kept) for (const { takeBack } of steps.reverse()) takeBack()
      else if (outer !== undefined) outer.push(...steps)
      else for (const { change } of steps) this.onChange(change)
    }
  }

  /** Of use to those who assert on the data, and to the control surface. */
  count(name: string): number {
    const type = objectType(name)
    return type === undefined ? 0 : this.rows(type).length
  }

  #did(change: Change, takeBack: () => void): void {
    if (this.#steps === undefined) this.onChange(change)
    else this.#steps.push({ change, takeBack })
  }

  #stamps(): Row {
    const now = dateTime(this.#clock.now())
    return { LastModifiedDate: now, SystemModstamp: now, LastModifiedById: this.#org.userId }
  }

  #existing(type: ObjectType, id: string): Row {
    const row = this.#table(type).get(id)
    if (row === undefined) {
      throw new ApiError(404, 'NOT_FOUND', 'Provided external ID field does not exist or is not accessible: ' + id)
    }
    if (row.IsDeleted === true) throw new ApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted', [])
    return row
  }

  #table(type: ObjectType): Table {
    let table = this.#tables.get(type.name)
    if (table === undefined) {
      table = this.#filled(type)
      this.#tables.set(type.name, table)
    }
    return table
  }

  #filled(type: ObjectType): Table {
    const table = new Table(type)
    const { userId } = this.#org
    for (const [id, values] of standardRows(type.name, this.#org)) {
      table.add(completeRow(type, { id, values, userId, at: createdAt(0, 1) }))
    }
    const size = this.#sizes[type.name] ?? 0
    for (let index = 0; index < size; index++) {
      const id = recordId(type.keyPrefix, index)
      const values = makeRecord(type.name, index, this.#sizes, this.#seed)
      table.add(completeRow(type, { id, values, userId, at: createdAt(index, size) }))
    }
    return table
  }
}
