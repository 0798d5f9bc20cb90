import { normaliseId } from './record-id.ts'
import type { ObjectType, Row } from './schema-types.ts'

/** The records of one object, in the order of entry, found by Id or by a unique field. Deleted ones stay in the recycle bin. */
export class Table {
  readonly #rows = new Map<string, Row>()
  /** By field name, then by value without regard to case. */
  readonly #unique: Map<string, Map<string, Row>>

  constructor(type: ObjectType) {
    const unique = type.fields.filter((field) => field.externalId)
    this.#unique = new Map(unique.map((field) => [field.name, new Map<string, Row>()]))
  }

  add(row: Row): void {
    this.#rows.set(String(row.Id), row)
    this.#index(row)
  }

  /** As though it had never been. */
  drop(row: Row): void {
    this.#unindex(row)
    this.#rows.delete(String(row.Id))
  }

  /** By 15- or 18-character Id, deleted or not. */
  get(id: string): Row | undefined {
    return this.#rows.get(normaliseId(id) ?? '')
  }

  findUnique(field: string, value: string): Row | undefined {
    return this.#unique.get(field)?.get(value.toLowerCase())
  }

  change(row: Row, values: Row): void {
    this.#unindex(row)
    Object.assign(row, values)
    this.#index(row)
  }

  /** Its unique values are free again at once. */
  bin(row: Row, values: Row): void {
    this.#unindex(row)
    Object.assign(row, values, { IsDeleted: true })
  }

  values(includeDeleted: boolean): Row[] {
    const rows = [...this.#rows.values()]
    return includeDeleted ? rows : rows.filter((row) => row.IsDeleted !== true)
  }

  #index(row: Row): void {
    for (const [field, index] of this.#unique) {
      const value = row[field]
      if (typeof value === 'string') index.set(value.toLowerCase(), row)
    }
  }

  #unindex(row: Row): void {
    for (const [field, index] of this.#unique) index.delete(String(row[field]).toLowerCase())
  }
}
