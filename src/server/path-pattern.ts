import { matchesWildcards } from '../wildcards.ts'

/** Whether a policy path (decoded, lower case) is covered. */
export type PathMatcher = (policyPath: string) => boolean

/**
 * A pattern without `*` covers the path and all below it. With one it is a glob over the whole path:
 * `*` is one segment or a part of one, `**` any number of them, none included. Case does not matter.
 */
export function compilePattern(pattern: string): PathMatcher {
  const wanted = withoutFinalSlashes(pattern.toLowerCase())
  if (!wanted.includes('*')) {
    const below = wanted === '/' ? '/' : `${wanted}/`
    return (path) => path === wanted || path.startsWith(below)
  }
  const segments = wanted.split('/').map((segment) => (segment === '**' ? '**' : segment.split('*')))
  return (path) => matchesWildcards(segments, path.split('/'), SEGMENTS)
}

/** A segment of a pattern: the texts between its `*`. */
type Segment = '**' | readonly string[]

const SEGMENTS = {
  isAny: (segment: Segment) => segment === '**',
  isMatch: (segment: Segment, text: string) => segment !== '**' && coversSegment(segment, text),
}

/** Whether the texts stand in this one in order, the first at its beginning and the last at its end. */
function coversSegment([first = '', ...others]: readonly string[], text: string): boolean {
  const last = others.pop()
  if (last === undefined) return text === first
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const part of others) {
    const found = text.indexOf(part, at)
    at = found + part.length
    if (found === -1 || at > end) return false
  }
  return true
}

function withoutFinalSlashes(pattern: string): string {
  let end = pattern.length
  while (end > 1 && pattern.endsWith('/', end)) end--
  return pattern.slice(0, end)
}
