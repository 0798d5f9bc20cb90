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
  const name = equalsAt === -1 ? parameter : parameter.slice(0, equalsAt)
  return SESSION_PARAMETERS.has(decoded(name).toLowerCase())
}

function decoded(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
