import type { ApiCall } from './call.ts'
import type { OrgState } from './org-state.ts'

const SEASONS = ['Winter', 'Spring', 'Summer']

/** v31.0, Summer '14, up to v67.0, Summer '26: three releases a year. */
export const VERSIONS = Array.from({ length: 37 }, (_, index) => {
  const version = `${31 + index}.0`
  const release = index + 2
  const season = SEASONS[release % 3] ?? ''
  const year = 14 + Math.floor(release / 3)
  return { label: `${season} '${year}`, url: `/services/data/v${version}`, version }
})

const RESOURCES = [
  'tooling',
  'composite',
  'limits',
  'parameterizedSearch',
  'queryAll',
  'query',
  'recent',
  'search',
  'sobjects',
  'tabs',
  'theme',
  'graphql',
]

/** The answer to `/services/data/vNN.0`. `identity` is absolute, and leads past any proxy. */
export function resources(call: ApiCall, identity: string): object {
  const base = `/services/data/v${call.version}`
  return {
    ...Object.fromEntries(RESOURCES.map((name) => [name, `${base}/${name}`])),
    jobs: `${base}/jobs`,
    identity,
  }
}

/** The answer to `/limits`. */
export function limits(org: OrgState): object {
  const untouched = (Max: number) => ({ Max, Remaining: Max })
  return {
    ConcurrentAsyncGetReportInstances: untouched(200),
    DailyApiRequests: { Max: org.dailyRequestLimit, Remaining: Math.max(0, org.dailyRequestLimit - org.apiRequests) },
    DailyAsyncApexExecutions: untouched(250_000),
    DailyBulkApiBatches: untouched(15_000),
    DailyBulkV2QueryFileStorageMB: untouched(976_562),
    DailyBulkV2QueryJobs: untouched(10_000),
    DailyDurableStreamingApiEvents: untouched(10_000),
    DailyStreamingApiEvents: untouched(10_000),
    DataStorageMB: untouched(10_240),
    FileStorageMB: untouched(10_240),
    HourlyTimeBasedWorkflow: untouched(1_000),
    SingleEmail: untouched(5_000),
  }
}
