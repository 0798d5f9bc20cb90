import { Histogram, type MetricType, type Registry } from 'prom-client'
import type { Distributions } from './counts.ts'

interface Description {
  readonly name: string
  readonly help: string
}

/** A histogram by `family` whose counts are kept elsewhere: prom-client's own can only be filled value by value. */
export class TalliedHistogram extends Histogram<'family' | 'le'> {
  readonly #description: Description
  readonly #distributions: Distributions

  constructor(registry: Registry, distributions: Distributions, description: Description) {
    super({ ...description, labelNames: ['family'], buckets: [...distributions.bounds], registers: [registry] })
    this.#description = description
    this.#distributions = distributions
  }

  override get(): ReturnType<Histogram<'family' | 'le'>['get']> {
    return Promise.resolve({
      ...this.#description,
      // prom-client's types have an enum that its code has not: this is what stands there.
      type: 'histogram' as unknown as MetricType,
      aggregator: 'sum',
      collect: () => undefined,
      values: [...this.#values()],
    })
  }

  /** What the registry prefers, though the types do not tell. */
  getForPromString(): ReturnType<this['get']> {
    // The same promise, under the name that an extending class would give it.
    return this.get() as ReturnType<this['get']>
  }

  *#values() {
    const { name } = this.#description
    for (const [family, { counts, sum }] of this.#distributions.rows()) {
      let count = 0
      for (const [at, inBucket] of counts.entries()) {
        count += inBucket
        const le = this.#distributions.bounds[at] ?? '+Inf'
        yield { metricName: `${name}_bucket`, labels: { le, family }, value: count }
      }
      yield { metricName: `${name}_sum`, labels: { family }, value: sum }
      yield { metricName: `${name}_count`, labels: { family }, value: count }
    }
  }
}
