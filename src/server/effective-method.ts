import { formFields } from '../form-fields.ts'
import { remembered } from '../remembered.ts'

/** Request headers by lower-case name, as Node gives them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

const OVERRIDE_HEADERS = new Set(['x-http-method-override', 'x-http-method', 'x-method-override'])

/**
 * Every kind of method that the request could be taken for, upper case. Salesforce lets `?_HttpMethod=PATCH` turn a POST into
 * another method, so a policy must hold for all of them.
 */
export function effectiveMethods(method: string, search: string, headers: HeaderFields): readonly string[] {
  const overrides: string[] = []
  for (const name in headers) if (isOverride(name)) overrides.push(...[headers[name] ?? []].flat())
  // A cheap look first: most queries can hold no such parameter.
  if (MAY_OVERRIDE.test(search)) {
    // `;` divides parameters as well, for servers of old.
    for (const [name, value] of formFields(search.replaceAll(';', '&'))) {
      if (name.toLowerCase() === '_httpmethod') overrides.push(value)
    }
  }
  return overrides.length === 0 ? plainly(method) : [spelt(method), ...oneOfEachKind(overrides.map(spelt))]
}

/** No policy tells others apart than reads, POST and the rest. There may be thousands, and each would be judged by itself. */
function oneOfEachKind(methods: readonly string[]): readonly string[] {
  const kinds = new Map<string, string>()
  for (const method of methods) {
    const kind = isReadMethod(method) ? 'read' : method === 'POST' ? 'POST' : 'other'
    if (!kinds.has(kind)) kinds.set(kind, method)
  }
  return [...kinds.values()]
}

/** In the name of a parameter: an escape may hide any letter, one in a value hides none. */
const MAY_OVERRIDE = /(?:^|[&;])[^=&;]*(?:%|httpmethod)/i

function spelt(method: string): string {
  return method.trim().toUpperCase()
}

const plainly = remembered((method): readonly string[] => [spelt(method)])

/** Servers that turn fields into variables take `_` for `-`. */
function isOverride(name: string): boolean {
  return name.includes('method') && OVERRIDE_HEADERS.has(name.replaceAll('_', '-'))
}

/** GET and HEAD ask; anything else may change something. OPTIONS only asks, too. */
export function isReadMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
