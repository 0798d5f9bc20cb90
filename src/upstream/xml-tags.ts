/** A tag of an XML text, or a declaration such as `<!DOCTYPE …>`; `start` and `end` are string indices, `end` after the `>`. */
export interface XmlTag {
  readonly kind: 'open' | 'close' | 'empty' | 'declaration'
  /** As written, with its prefix. */
  readonly name: string
  readonly start: number
  readonly end: number
}

const SKIPPED: readonly (readonly [opener: string, closer: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
]

/**
 * The tags of a text in order, as far as they are whole; comments, CDATA, processing instructions and character data are passed over.
 * It builds and checks nothing: positions are all that an edit which must keep every other byte needs. Time is linear in the text.
 */
export function* xmlTags(text: string): Generator<XmlTag, void, void> {
  let at = text.indexOf('<')
  while (at !== -1) {
    const start = at
    const skipped = SKIPPED.find(([opener]) => text.startsWith(opener, start))
    const end = skipped ? endOf(text, skipped, start) : tagEnd(text, start)
    if (end === -1) return
    if (skipped === undefined) yield tagOf(text, start, end)
    at = text.indexOf('<', end)
  }
}

function endOf(text: string, [opener, closer]: readonly [string, string], start: number): number {
  const at = text.indexOf(closer, start + opener.length)
  return at === -1 ? -1 : at + closer.length
}

/** After the next `>` that no attribute's quotes enclose; -1 where it has not come. */
function tagEnd(text: string, start: number): number {
  let quote = ''
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === '>') {
      return at + 1
    } else if (character === '"' || character === "'") {
      quote = character
    }
  }
  return -1
}

function tagOf(text: string, start: number, end: number): XmlTag {
  const isClose = text.startsWith('</', start)
  const inner = text.slice(start + (isClose ? 2 : 1), end - 1)
  const nameEnd = inner.search(/[\s/]/)
  const name = nameEnd === -1 ? inner : inner.slice(0, nameEnd)
  if (isClose) return { kind: 'close', name, start, end }
  if (name.startsWith('!')) return { kind: 'declaration', name, start, end }
  return { kind: inner.endsWith('/') ? 'empty' : 'open', name, start, end }
}
