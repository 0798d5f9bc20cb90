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
  // Its types tell less than it gives.
  return () => registry.getMetricsAsJSON() as unknown as Promise<ProcessMetric[]>
}
