interface Row<L extends string> {
  readonly labels: Readonly<Record<L, string>>
  value: number
}

/** A number for each combination of label values: a hash look-up and an addition, which is what the way of a request can afford. */
export class Counts<L extends string> {
  readonly #names: readonly L[]
  readonly #rows = new Map<string, Row<L>>()
  /** What was counted last, which is as a rule what is counted next. */
  #last: { readonly values: readonly string[]; readonly row: Row<L> } | undefined

  constructor(names: readonly L[]) {
    this.#names = names
  }

  add(amount: number, ...values: readonly string[]): void {
    if (this.#last === undefined || !isSame(values, this.#last.values)) this.#last = { values, row: this.#row(values) }
    this.#last.row.value += amount
  }

  rows(): Iterable<{ readonly labels: Readonly<Record<L, string>>; readonly value: number }> {
    return this.#rows.values()
  }

  #row(values: readonly string[]): Row<L> {
    const key = values.join('\n')
    let row = this.#rows.get(key)
    if (!row) {
      row = { labels: this.#labelled(values), value: 0 }
      this.#rows.set(key, row)
    }
    return row
  }

  #labelled(values: readonly string[]): Record<L, string> {
    // One value a name, in their order.
    return Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])) as Record<L, string>
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false
  return true
}

interface Distribution {
  /** One count a bound and one beyond the last; not cumulative. */
  readonly counts: number[]
  sum: number
}

/** How values are spread over buckets, for each label value. */
export class Distributions {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[]
  readonly #rows = new Map<string, Distribution>()

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
  }

  observe(label: string, value: number): void {
    const row = this.#row(label)
    let bucket = 0
    while (value > (this.bounds[bucket] ?? Infinity)) bucket += 1
    row.counts[bucket] = (row.counts[bucket] ?? 0) + 1
    row.sum += value
  }

  rows(): Iterable<readonly [label: string, distribution: Readonly<Distribution>]> {
    return this.#rows
  }

  #row(label: string): Distribution {
    let row = this.#rows.get(label)
    if (!row) {
      row = { counts: Array.from({ length: this.bounds.length + 1 }, () => 0), sum: 0 }
      this.#rows.set(label, row)
    }
    return row
  }
}
