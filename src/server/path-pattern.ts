/** Whether a policy path (decoded, lower case) is covered. */
export type PathMatcher = (policyPath: string) => boolean

/**
 * A pattern without `*` covers the path and all below it. With one it is a glob over the whole path:
 * `*` is one segment or a part of one, `**` any number of them, none included. Case does not matter.
 */
export function compilePattern(pattern: string): PathMatcher {
  const wanted = pattern.toLowerCase().replace(/(?<=.)\/+$/, '')
  if (!wanted.includes('*')) {
    const below = wanted === '/' ? '/' : `${wanted}/`
    return (path) => path === wanted || path.startsWith(below)
  }
  const source = wanted
    .split('/')
    .slice(1)
    .map((segment) => (segment === '**' ? '(?:/[^/]+)*' : `/${segment.split('*').map(escaped).join('[^/]*')}`))
    .join('')
  const expression = new RegExp(`^${source}$`)
  return (path) => expression.test(path)
}

function escaped(text: string): string {
  return text.replace(/[$()+.?[\\\]^{|}]/g, '\\$&')
}
