/** Request headers by lower-case name, as Node gives them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>

const OVERRIDE_HEADERS = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const

/**
 * Every method that the request could be taken for, upper case. Salesforce lets `?_HttpMethod=PATCH` turn a POST into
 * another method, so a policy must hold for all of them.
 */
export function effectiveMethods(method: string, search: string, headers: HeaderFields): readonly string[] {
  const overrides = OVERRIDE_HEADERS.flatMap((name) => headers[name] ?? [])
  // A cheap look first: most queries can hold no such parameter.
  if (/httpmethod|%/i.test(search)) {
    for (const [name, value] of new URLSearchParams(search)) {
      if (name.toLowerCase() === '_httpmethod') overrides.push(value)
    }
  }
  return [method, ...overrides].map((name) => name.trim().toUpperCase())
}

/** GET and HEAD ask; anything else may change something. OPTIONS only asks, too. */
export function isReadMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
