import { bulk1 } from './bulk1/bulk1-family.ts'
import type { Family } from './family.ts'
import { rest } from './rest-family.ts'
import { soap } from './soap/soap-family.ts'
import { streaming } from './streaming/streaming-family.ts'

const FAMILIES: readonly Family[] = [rest, bulk1, soap, streaming]

export function familyOf(path: string): Family | undefined {
  return FAMILIES.find((family) => family.matches.test(path))
}
