const SESSION_PARAMETERS: ReadonlySet<string> = new Set(['oauth_token', 'access_token', 'sid'])

/**
 * A request target, or a query with its `?`, without the parameters that carry a session, however their names are spelled;
 * every other byte stays. The very same string where there is none.
 */
export function withoutSessionParameters(target: string): string {
  const queryAt = target.indexOf('?')
  if (queryAt === -1) return target
  const parameters = target.slice(queryAt + 1).split('&')
  const kept = parameters.filter((parameter) => !carriesSession(parameter))
  if (kept.length === parameters.length) return target
  const path = target.slice(0, queryAt)
  return kept.length === 0 ? path : `${path}?${kept.join('&')}`
}

function carriesSession(parameter: string): boolean {
  const equalsAt = parameter.indexOf('=')
  const length = equalsAt === -1 ? parameter.length : equalsAt
  return length <= MOST_ENCODED && SESSION_PARAMETERS.has(decoded(parameter.slice(0, length)).toLowerCase())
}

/** The longest of the names with each character percent-encoded. */
const MOST_ENCODED = 3 * 'access_token'.length

/** Not decodeURIComponent: thousands of malformed names would cost an exception each. */
function decoded(name: string): string {
  if (!name.includes('%')) return name
  return name.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
