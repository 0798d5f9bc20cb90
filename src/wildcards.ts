/**
 * Whether a pattern covers all of a list of parts, in order. `isMatch` compares one part with one element of the pattern; an element that
 * `isAny` takes stands for any number of parts. Time grows with the product of both lengths at most, however many of those there are.
 */
export function matchesWildcards<Element, Part>(
  pattern: readonly Element[],
  parts: ArrayLike<Part>,
  { isAny, isMatch }: { isAny: (element: Element) => boolean; isMatch: (element: Element, part: Part) => boolean },
): boolean {
  let element = 0
  let part = 0
  /** Behind the last element for any number of parts, and the part that its next attempt begins at. */
  let retry: { element: number; part: number } | undefined
  for (;;) {
    const expected = pattern[element]
    if (expected !== undefined && isAny(expected)) {
      retry = { element: ++element, part }
      continue
    }
    if (part === parts.length) break
    // Inside its length, an array-like has every part.
    if (expected !== undefined && isMatch(expected, parts[part] as Part)) {
      element++
      part++
      continue
    }
    // An earlier one need not be tried again: what could follow it has been found as early as possible.
    if (retry === undefined) return false
    retry.part++
    ;({ element, part } = retry)
  }
  return element === pattern.length
}
