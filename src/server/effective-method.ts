/** Request headers by lower-case name, as Node gives them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

const OVERRIDE_HEADERS = new Set(['x-http-method-override', 'x-http-method', 'x-method-override'])

/**
 * Every method that the request could be taken for, upper case. Salesforce lets `?_HttpMethod=PATCH` turn a POST into
 * another method, so a policy must hold for all of them.
 */
export function effectiveMethods(method: string, search: string, headers: HeaderFields): readonly string[] {
  const overrides = Object.entries(headers).flatMap(([name, value]) => (isOverride(name) ? (value ?? []) : []))
  // A cheap look first: most queries can hold no such parameter.
  if (/httpmethod|%/i.test(search)) {
    // `;` divides parameters as well, for servers of old.
    for (const [name, value] of new URLSearchParams(search.replaceAll(';', '&'))) {
      if (name.toLowerCase() === '_httpmethod') overrides.push(value)
    }
  }
  return [method, ...overrides].map((name) => name.trim().toUpperCase())
}

/** Servers that turn fields into variables take `_` for `-`. */
function isOverride(name: string): boolean {
  return name.includes('method') && OVERRIDE_HEADERS.has(name.replaceAll('_', '-'))
}

/** GET and HEAD ask; anything else may change something. OPTIONS only asks, too. */
export function isReadMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
