/** A number for each combination of label values: a hash look-up and an addition, which is what the way of a request can afford. */
export class Counts<L extends string> {
  readonly #names: readonly L[]
  readonly #rows = new Map<string, { readonly labels: Readonly<Record<L, string>>; value: number }>()

  constructor(names: readonly L[]) {
    this.#names = names
  }

  add(amount: number, ...values: readonly string[]): void {
    const [first = ''] = values
    const key = values.length === 1 ? first : values.join('\n')
    const row = this.#rows.get(key)
    if (row) row.value += amount
    else this.#rows.set(key, { labels: this.#labelled(values), value: amount })
  }

  rows(): Iterable<{ readonly labels: Readonly<Record<L, string>>; readonly value: number }> {
    return this.#rows.values()
  }

  #labelled(values: readonly string[]): Record<L, string> {
    // One value a name, in their order.
    return Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])) as Record<L, string>
  }
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
    let row = this.#rows.get(label)
    if (!row) {
      row = { counts: Array.from({ length: this.bounds.length + 1 }, () => 0), sum: 0 }
      this.#rows.set(label, row)
    }
    let bucket = 0
    while (value > (this.bounds[bucket] ?? Infinity)) bucket += 1
    row.counts[bucket] = (row.counts[bucket] ?? 0) + 1
    row.sum += value
  }

  rows(): Iterable<readonly [label: string, distribution: Readonly<Distribution>]> {
    return this.#rows
  }
}
