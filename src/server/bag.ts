/** Something in a bag. */
export interface Bagged<T> {
  readonly item: T
  /** Where it stands among the others; -1 where it has been taken out. */
  at: number
}

/**
 * What comes and goes with requests. Not a Set: the tables that a busy Set leaves behind hold what was deleted from it, and lead from one
 * to the next, so that all that lately passed through outlives the collections of young objects. In no order.
 */
export class Bag<T> implements Iterable<T> {
  readonly #all: Bagged<T>[] = []

  get size(): number {
    return this.#all.length
  }

  /** As it is now: what comes and goes meanwhile is not seen. */
  [Symbol.iterator](): Iterator<T> {
    return this.#all.map(({ item }) => item).values()
  }

  add(item: T): Bagged<T> {
    const bagged = { item, at: this.#all.length }
    this.#all.push(bagged)
    return bagged
  }

  /** The last one takes its place. Does nothing a second time. */
  delete(bagged: Bagged<T>): void {
    if (bagged.at === -1) return
    const last = this.#all.pop()
    if (last !== undefined && last !== bagged) {
      this.#all[bagged.at] = last
      last.at = bagged.at
    }
    bagged.at = -1
  }
}
