import { expect, test } from 'vitest'
import { createCrewMetrics, type CrewMetrics } from '../../src/metrics/crew-metrics.ts'
import type { ProcessMetric } from '../../src/metrics/process-metrics.ts'

function metric(name: string, value: number, fields: Partial<ProcessMetric> = {}): ProcessMetric {
  return { name, help: 'help', type: 'gauge', aggregator: 'sum', values: [{ value, labels: {} }], ...fields }
}

const counter = (name: string, value: number) => metric(name, value, { type: 'counter' })

function valueOf(text: string, name: string): number {
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  )
}

test('sums are sums, the event loop is that of the slowest worker, and the program started when its first process did', async () => {
  const lag = { aggregator: 'average' }
  const start = { aggregator: 'omit' }
  const living = [
    [
      metric('test_bytes', 10),
      metric('nodejs_eventloop_lag_p99_seconds', 100, lag),
      metric('process_start_time_seconds', 9e9, start),
    ],
    [
      metric('test_bytes', 5),
      metric('nodejs_eventloop_lag_p99_seconds', 300, lag),
      metric('process_start_time_seconds', 9e9, start),
    ],
  ]
  const text = await createCrewMetrics(() => ({ living, departed: [] }))()
  expect(valueOf(text, 'test_bytes')).toBe(15)
  expect(valueOf(text, 'nodejs_eventloop_lag_p99_seconds')).toBe(300)
  // This process's own, which began before those.
  expect(valueOf(text, 'process_start_time_seconds')).toBeLessThan(9e9)
  expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
})

test('a counter does not go back when a worker ends; what it held of memory is gone', async () => {
  let crew: CrewMetrics = { living: [[counter('test_total', 7), metric('test_bytes', 10)]], departed: [] }
  const scrape = createCrewMetrics(() => crew)
  expect(valueOf(await scrape(), 'test_total')).toBe(7)
  crew = { living: [[counter('test_total', 1), metric('test_bytes', 3)]], departed: crew.living }
  const text = await scrape()
  expect([valueOf(text, 'test_total'), valueOf(text, 'test_bytes')]).toEqual([8, 3])
  crew = { ...crew, departed: [] }
  expect(valueOf(await scrape(), 'test_total')).toBe(8)
})
