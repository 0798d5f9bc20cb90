import { AggregatorRegistry } from 'prom-client'
import { collectProcessMetrics, metricsOf, type ProcessMetric } from './process-metrics.ts'

/** prom-client's metrics of the workers' processes: of those that live, and the last of those that ended since this was asked before. */
export interface CrewMetrics {
  readonly living: readonly (readonly ProcessMetric[])[]
  readonly departed: readonly (readonly ProcessMetric[])[]
}

/** A mean would hide the one worker that is late, and a process has started when the program has. */
function aggregatorOf({ name, aggregator }: ProcessMetric): string {
  if (name === 'process_start_time_seconds') return 'min'
  return name.startsWith('nodejs_eventloop_lag') && aggregator === 'average' ? 'max' : aggregator
}

const isEventLoop = ({ name }: ProcessMetric) => name.startsWith('nodejs_eventloop')

/** A counter may not go back when a worker ends: what it had counted stays in the sum. */
const isSum = ({ type, aggregator }: ProcessMetric) => type === 'counter' && aggregator === 'sum'

/** The metrics of all processes as one, in the text format: sums, and of the event loops the slowest worker's. */
export function createCrewMetrics(crew: () => CrewMetrics): () => Promise<string> {
  const collect = collectProcessMetrics()
  let gone: ProcessMetric[] = []
  return async () => {
    const primary = await collect()
    const { living, departed } = crew()
    gone = await metricsOf(aggregate([gone, ...departed.map((metrics) => metrics.filter(isSum))]))
    // The primary's own event loop serves nobody.
    const own = primary.filter((metric) => !isEventLoop(metric))
    return aggregate([own, ...living, gone]).metrics()
  }
}

function aggregate(metrics: readonly (readonly ProcessMetric[])[]) {
  const told = metrics.map((list) => list.map((metric) => ({ ...metric, aggregator: aggregatorOf(metric) })))
  return AggregatorRegistry.aggregate(told)
}
