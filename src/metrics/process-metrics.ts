import { collectDefaultMetrics, Registry } from 'prom-client'

export interface ProcessMetric {
  name: string
  help: string
  type: string
  /** How the values of several processes become one. */
  aggregator: string
  values: unknown[]
}

/** What prom-client tells of this process, ready for JSON; collected from now on. */
export function collectProcessMetrics(): () => Promise<ProcessMetric[]> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return () => metricsOf(registry)
}

export async function metricsOf(registry: Pick<Registry, 'getMetricsAsJSON'>): Promise<ProcessMetric[]> {
  // Its types take the kind for a number; it is a word.
  return (await registry.getMetricsAsJSON()) as unknown as ProcessMetric[]
}
