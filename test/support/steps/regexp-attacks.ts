import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp'

/** A text of any length: what comes before, what is repeated, and what comes after. */
export interface Attack {
  readonly before: string
  readonly pump: string
  readonly after: string
}

/** The text of about this length, and that in which four times as much is repeated. */
export function grown({ before, pump, after }: Attack, length: number): readonly [short: string, long: string] {
  const count = Math.ceil(length / pump.length)
  return [before + pump.repeat(count) + after, before + pump.repeat(4 * count) + after]
}

/** Whether a match may read an unbounded number of characters: only then can it take more than linear time. */
export function isUnbounded({ source, flags }: RegExp): boolean {
  const pattern = parser.parsePattern(source, 0, source.length, { unicode: flags.includes('u') })
  let isFound = false
  visitRegExpAST(pattern, {
    onQuantifierEnter: ({ max }) => {
      isFound ||= max === Infinity
    },
  })
  return isFound
}

const parser = new RegExpParser({ ecmaVersion: 2025 })
/** Some of each kind that classes take. */
const SAMPLES = ['a', '0', '_', '-', '.', '/', ' ', '"', '<', '=', ':', '&', '%', '{', '\\', '\n', '\u00e9', '\u0000']
const MOST_BEGINNINGS = 8
const MOST_PAIRED = 8

/**
 * Texts made of an expression's own parts: each part, and each pair of them, repeated behind nothing or behind what begins a match,
 * with nothing after or with what no match ends in.
 */
export function* attacksOn({ source, flags }: RegExp): Generator<Attack> {
  const pattern = parser.parsePattern(source, 0, source.length, { unicode: flags.includes('u') })
  const parts = { pumps: new Set<string>(), beginnings: new Set(['']) }
  for (const { elements } of pattern.alternatives) collect(elements, '', flags, parts)
  const pumps = [...parts.pumps].filter((pump) => pump !== '')
  const pairs = pumps.slice(0, MOST_PAIRED).flatMap((one) => pumps.slice(0, MOST_PAIRED).map((other) => one + other))
  for (const before of [...parts.beginnings].slice(0, MOST_BEGINNINGS)) {
    for (const pump of [...pumps, ...pairs]) {
      for (const after of ['', '\n\u0000']) yield { before, pump, after }
    }
  }
}

interface Parts {
  readonly pumps: Set<string>
  /** What stands before a part. */
  readonly beginnings: Set<string>
}

/** The parts of a sequence: runs of characters and what is between them, all of it, and all but its last character. */
function collect(elements: readonly AST.Element[], outer: string, flags: string, parts: Parts): void {
  let before = outer
  let run = ''
  for (const element of elements) {
    if (element.type === 'Character') {
      run += String.fromCodePoint(element.value)
      continue
    }
    before += run
    if (run !== '') parts.pumps.add(run)
    run = ''
    const texts = textsOf(element, flags)
    for (const text of texts) parts.pumps.add(text)
    parts.beginnings.add(before)
    for (const { elements: inner } of alternativesOf(element)) collect(inner, before, flags, parts)
    before += texts[0] ?? ''
  }
  const whole = before + run
  if (run !== '') parts.pumps.add(run)
  parts.pumps.add(whole).add(whole.slice(0, -1))
  parts.beginnings.add(before)
}

function alternativesOf(element: AST.Element): readonly AST.Alternative[] {
  if (element.type === 'Quantifier') return alternativesOf(element.element)
  return 'alternatives' in element ? element.alternatives : []
}

/** Some texts that the element takes; none where it takes no character. */
function textsOf(element: AST.Element, flags: string): string[] {
  switch (element.type) {
    case 'Quantifier':
      return textsOf(element.element, flags).map((text) => text.repeat(Math.max(1, element.min)))
    case 'Character':
      return [String.fromCodePoint(element.value)]
    case 'Backreference':
      return []
    case 'CharacterClass':
    case 'CharacterSet':
    case 'ExpressionCharacterClass': {
      const taken = new RegExp(`^(?:${element.raw})$`, flags.replace(/[^isu]/g, ''))
      const named = element.raw.replace(/\\./g, '')
      return [...new Set([...SAMPLES, ...Array.from(named)])].filter((character) => taken.test(character)).slice(0, 3)
    }
    default:
      if (element.type === 'Assertion' && element.kind !== 'lookahead') return []
      return alternativesOf(element).map(({ elements }) => elements.map((one) => textsOf(one, flags)[0] ?? '').join(''))
  }
}
