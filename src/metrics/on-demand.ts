import type { Exposition, ExpositionOptions } from './exposition.ts'

/** Metrics that cost nothing until somebody scrapes: prom-client takes a tenth of the start. */
export function metricsOnDemand(options: ExpositionOptions): () => Promise<{ contentType: string; text: string }> {
  let exposition: Promise<Exposition> | undefined
  return async () => {
    exposition ??= import('./exposition.ts').then(({ createExposition }) => createExposition(options))
    const { contentType, scrape } = await exposition
    return { contentType, text: await scrape() }
  }
}
