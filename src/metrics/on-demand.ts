import type { Exposition, ExpositionOptions } from './exposition.ts'

interface OnDemandOptions extends ExpositionOptions {
  /** Brings up to date what is read, before each scrape. */
  readonly update?: (() => Promise<void>) | undefined
}

/** Metrics that cost nothing until somebody scrapes: prom-client takes a tenth of the start. */
export function metricsOnDemand(options: OnDemandOptions): () => Promise<{ contentType: string; text: string }> {
  let exposition: Promise<Exposition> | undefined
  return async () => {
    exposition ??= import('./exposition.ts').then(({ createExposition }) => createExposition(options))
    const { contentType, scrape } = await exposition
    await options.update?.()
    return { contentType, text: await scrape() }
  }
}
