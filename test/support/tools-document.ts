import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { TOOLS } from './recipes.ts'

/** What a section's recipes need, and what the last line of hope in their output is: that the answer came from the org. */
export interface Expected {
  readonly needs: 'curl' | 'wget' | 'python3' | 'node' | 'tools'
  /** One for each recipe of the section, in their order. */
  readonly prints: readonly RegExp[]
}

const LIMITS = /"DailyApiRequests":\{"Max":\d+/
const NAMES = /logistics-cache-0000.*storefront-web-0001/s

export const EXPECTED: Readonly<Record<string, Expected>> = {
  'With PROXY_API_KEY': { needs: 'curl', prints: [LIMITS] },
  curl: { needs: 'curl', prints: [new RegExp(`${LIMITS.source}.*${NAMES.source}`, 's'), LIMITS, LIMITS] },
  wget: { needs: 'wget', prints: [new RegExp(`${LIMITS.source}.*${LIMITS.source}`, 's'), LIMITS] },
  'Python without a library': { needs: 'python3', prints: [NAMES] },
  jsforce: { needs: 'node', prints: [NAMES, /integration@cloudaware\.example [1-9]/] },
  'Salesforce CLI': {
    needs: 'tools',
    prints: [
      NAMES,
      new RegExp(`${NAMES.source}.*20 records written to instances\\.csv.*"DailyApiRequests".*"label"`, 's'),
    ],
  },
  nforce: { needs: 'tools', prints: [NAMES] },
  'ts-force': { needs: 'tools', prints: [NAMES] },
  'CometD clients': { needs: 'tools', prints: [/successful: true/] },
}

/** The needs that this machine does not meet. */
export function missingNeeds(): readonly Expected['needs'][] {
  const programs = (['curl', 'wget', 'python3'] as const).filter((name) => spawnSync(name, ['--version']).status !== 0)
  return [...programs, ...(existsSync(`${TOOLS}/.bin/sf`) ? [] : (['tools'] as const))]
}
