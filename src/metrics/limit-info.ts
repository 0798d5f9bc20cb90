export interface ApiUsage {
  /** `org`: the org's requests of the last 24 hours. `app`: those of this connected app, where the org limits it. */
  readonly scope: 'org' | 'app'
  readonly used: number
  readonly total: number
}

const USAGE = /(?:^|[;\s])(per-app-)?api-usage=(\d{1,12})\/(\d{1,12})/g

/** Reads `Sforce-Limit-Info: api-usage=25/5000; per-app-api-usage=17/250(appName=sample)`. What it does not know is left out. */
export function parseLimitInfo(field: string): readonly ApiUsage[] {
  return Array.from(field.matchAll(USAGE), ([, perApp, used, total]) => ({
    scope: perApp === undefined ? 'org' : 'app',
    used: Number(used),
    total: Number(total),
  }))
}
