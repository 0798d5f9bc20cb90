import { ApiError } from './api-error.ts'
import { isObject } from './call.ts'

/** The bodies of the sub-requests answered so far, by reference Id. */
export type Answered = ReadonlyMap<string, unknown>

const REFERENCE = /@\{([^{}]+)\}/g

/** Fills in `@{ref.field}` and `@{ref.records[0].Id}` in every text of a value. Throws PROCESSING_HALTED for one that leads nowhere. */
export function resolveReferences(value: unknown, answered: Answered): unknown {
  if (typeof value === 'string') return resolveText(value, answered)
  if (Array.isArray(value)) return value.map((item) => resolveReferences(item, answered))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolveReferences(item, answered)]))
}

export function resolveText(text: string, answered: Answered): string {
  return text.replaceAll(REFERENCE, (_all, path: string) => lookUp(path, answered))
}

function lookUp(path: string, answered: Answered): string {
  const [reference = '', ...steps] = path.split(/[.[\]]+/).filter(Boolean)
  let at = answered.get(reference)
  for (const step of steps) at = Array.isArray(at) ? at[Number(step)] : isObject(at) ? at[step] : undefined
  if (typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean') return String(at)
  const message = `Invalid reference specified. No value for ${path} found in ${reference}`
  throw new ApiError(400, 'PROCESSING_HALTED', message)
}
