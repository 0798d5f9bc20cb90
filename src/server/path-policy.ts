import { API_PREFIXES, DENIED_PATHS } from './denied-paths.ts'
import type { DeniedPath } from './denied-paths.ts'
import { isReadMethod } from './effective-method.ts'
import { compilePattern } from './path-pattern.ts'
import { namesRecord, queriesFor, recordIdPattern, takesQuery } from './record-names.ts'
import type { Refusal } from './refusal.ts'
import { remembered } from '../remembered.ts'

/** Judges one method on one policy path (`Target.policyPath`), and on the query where that names records. */
export type PathPolicy = (method: string, policyPath: string, search: string) => Refusal | undefined

export interface PathPolicyOptions {
  /** PROXY_ALLOWED_PATHS: prefixes or globs; or, to lift one built-in refusal, the very path or the rule's name. */
  readonly allowedPaths: readonly string[]
  /** PROXY_DENIED_PATHS: prefixes or globs. They win over all else. */
  readonly deniedPaths: readonly string[]
}

/** PROXY_DENIED_PATHS alone. Throws a RangeError, with the setting's name, on an entry that is no path. */
export function createDenials(deniedPaths: readonly string[]): (policyPath: string) => Refusal | undefined {
  checkPatterns('PROXY_DENIED_PATHS', deniedPaths, /^\//)
  const denied = deniedPaths.map((pattern) => ({ pattern, matches: compilePattern(pattern) }))
  return (path) => {
    const own = denied.find(({ matches }) => matches(path))
    if (own === undefined) return undefined
    return refusal(`PROXY_DENIED_PATHS ${own.pattern}`, `It is refused by "${own.pattern}" of PROXY_DENIED_PATHS.`)
  }
}

/** Throws a RangeError, with the setting's name, on an entry that is no path. */
export function createPathPolicy({ allowedPaths, deniedPaths }: PathPolicyOptions): PathPolicy {
  const judgeDenied = createDenials(deniedPaths)
  checkPatterns('PROXY_ALLOWED_PATHS', allowedPaths, /^(?:\/|soap:\w+$)/)
  const named = new Set(allowedPaths.map((entry) => entry.toLowerCase()))
  const allowed = [...API_PREFIXES, ...allowedPaths].map(compilePattern)
  const builtIn = rulesInForce(allowedPaths).map((rule) => ({ rule, ...coverage(rule) }))
  /** The rows that may refuse this path, by itself or by what the query names. */
  const rowsFor = (path: string, isRead: boolean) =>
    builtIn
      .map(({ rule, matches, names, asksFor }) => {
        const isBinding = !(isRead && rule.methods !== 'any') && rule.except !== path
        return {
          rule,
          covers: isBinding && matches(path),
          names: isBinding ? names : undefined,
          asksFor: takesQuery(path) ? asksFor : undefined,
        }
      })
      .filter(({ covers, names, asksFor }) => covers || names !== undefined || asksFor !== undefined)
  // All that depends on the path alone.
  const read = remembered((path) => ({
    own: judgeDenied(path),
    isNamed: named.has(path),
    forReads: rowsFor(path, true),
    forWrites: rowsFor(path, false),
    isAllowed: allowed.some((matches) => matches(path)),
  }))

  return (method, path, search) => {
    const { own, isNamed, forReads, forWrites, isAllowed } = read(path)
    if (own !== undefined) return own
    if (isNamed) return undefined
    for (const { rule, covers, names, asksFor } of isReadMethod(method) ? forReads : forWrites) {
      if (covers || asksFor?.(search) === true || names?.(path, search) === true) return ruleRefusal(rule)
    }
    return isAllowed ? undefined : refusal('not an API path', 'To allow it, add it to PROXY_ALLOWED_PATHS.')
  }
}

/** The built-in rules that these settings do not lift. */
export function rulesInForce(allowedPaths: readonly string[]): readonly DeniedPath[] {
  const named = new Set(allowedPaths.map((entry) => entry.toLowerCase()))
  return DENIED_PATHS.filter(({ pattern }) => !named.has(pattern))
}

/** What a row of the table refuses, and what would lift it. */
export function ruleRefusal({ pattern, why }: DeniedPath): Refusal {
  return refusal(pattern, `${why} To allow it all the same, name "${pattern}" in PROXY_ALLOWED_PATHS.`)
}

interface Coverage {
  readonly matches: (path: string) => boolean
  /** Whether a record of the row's is named, which the query may do. */
  readonly names: ((path: string, search: string) => boolean) | undefined
  /** Whether the query asks for the type that no query may ask for. */
  readonly asksFor: ((search: string) => boolean) | undefined
}

function coverage({ pattern, records, unreadable }: DeniedPath): Coverage {
  const recordId = records && recordIdPattern(records.keyPrefix)
  return {
    matches: compilePattern(pattern),
    names: recordId && ((path, search) => namesRecord(recordId, path, search)),
    asksFor: unreadable === undefined ? undefined : queriesFor(unreadable),
  }
}

function refusal(rule: string, detail: string): Refusal {
  return { code: 'PROXY_PATH_REFUSED', rule, detail }
}

function checkPatterns(setting: string, patterns: readonly string[], shape: RegExp): void {
  if (patterns.some((pattern) => !shape.test(pattern))) {
    throw new RangeError(
      `${setting} takes paths that begin with a slash, such as /services/data or /services/data/*/limits.`,
    )
  }
}
