import { endOfString } from '../json-depth.ts'

/** A JSON object whose members are looked up without regard to case, as a lenient reader might. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function member(object: JsonObject, name: string): unknown {
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === name)
  return key === undefined ? undefined : object[key]
}

/**
 * Whether any object in this valid JSON text names a member twice (case aside). Readers differ in which of the two counts,
 * so what one judges another might not execute.
 */
export function hasRepeatedMember(json: string): boolean {
  const open: Set<string>[] = []
  let lastString = ''
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{') open.push(new Set())
    else if (character === '}') open.pop()
    else if (character === '"') {
      const end = endOfString(json, at)
      lastString = json.slice(at, end)
      at = end - 1
    } else if (character === ':') {
      const names = open.at(-1) ?? new Set()
      const name = String(JSON.parse(lastString)).toLowerCase()
      if (names.has(name)) return true
      names.add(name)
    }
  }
  return false
}
