import { RegExpParser, type AST } from '@eslint-community/regexpp'

/** A match took more steps than it may: what is super-linear would not end otherwise. */
export class TooManySteps extends Error {}

type Instruction =
  | { readonly op: 'leaf'; readonly matches: (character: string) => boolean }
  | { readonly op: 'split'; readonly first: number; second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'edge'; readonly holds: (text: string, at: number) => boolean }
  | { readonly op: 'look'; readonly program: Program; readonly isNegated: boolean }
  | { readonly op: 'loop' }
  | { readonly op: 'progress' }

interface Program {
  readonly code: readonly Instruction[]
  readonly isBackward: boolean
}

interface Compiled {
  readonly program: Program
  readonly isAnchored: boolean
  readonly isUnicode: boolean
}

/** Where each open loop began, innermost first: an iteration that consumes nothing fails, as in ECMAScript. */
interface Loops {
  readonly at: number
  readonly outer: Loops | undefined
}

const parser = new RegExpParser({ ecmaVersion: 2025 })
const known = new Map<string, Compiled>()

/**
 * Counts what V8's backtracking matcher would do for one `exec` from `lastIndex` on: each character compared and each choice taken is a step.
 * Throws TooManySteps beyond `limit`, and on a backreference, which no linear expression has.
 */
export function regexpSteps({ source, flags, lastIndex }: RegExp, text: string, limit: number): number {
  const key = `${flags}/${source}`
  const compiled = known.get(key) ?? compile(source, flags)
  known.set(key, compiled)
  const isPlaced = flags.includes('g') || flags.includes('y')
  const start = isPlaced ? lastIndex : 0
  const last = flags.includes('y') || compiled.isAnchored ? start : text.length
  const counter = { steps: 0, limit }
  for (let at = start; at <= last; at++) if (run(compiled, compiled.program, text, at, counter)) break
  return counter.steps
}

interface Counter {
  steps: number
  readonly limit: number
}

/** Whether the program matches at this place. */
function run({ isUnicode }: Compiled, program: Program, text: string, from: number, counter: Counter): boolean {
  const { code, isBackward } = program
  const choices: { pc: number; at: number; loops: Loops | undefined }[] = []
  let pc = 0
  let at = from
  let loops: Loops | undefined
  for (;;) {
    const instruction = code[pc]
    if (instruction === undefined) return true
    counter.steps++
    if (counter.steps > counter.limit) throw new TooManySteps(`more than ${counter.limit} steps`)
    let isMatch = true
    switch (instruction.op) {
      case 'leaf': {
        const character = characterAt(text, at, isBackward, isUnicode)
        isMatch = character !== '' && instruction.matches(character)
        at += isBackward ? -character.length : character.length
        pc++
        break
      }
      case 'split':
        choices.push({ pc: instruction.second, at, loops })
        pc = instruction.first
        break
      case 'jump':
        pc = instruction.to
        break
      case 'edge':
        isMatch = instruction.holds(text, at)
        pc++
        break
      case 'look':
        isMatch = run({ isUnicode } as Compiled, instruction.program, text, at, counter) !== instruction.isNegated
        pc++
        break
      case 'loop':
        loops = { at, outer: loops }
        pc++
        break
      case 'progress':
        isMatch = loops?.at !== at
        loops = loops?.outer
        pc++
    }
    if (isMatch) continue
    const choice = choices.pop()
    if (choice === undefined) return false
    ;({ pc, at, loops } = choice)
  }
}

/** The character that is to be read, empty at the end. */
function characterAt(text: string, at: number, isBackward: boolean, isUnicode: boolean): string {
  if (!isBackward) return isUnicode ? String.fromCodePoint(...codePointAt(text, at)) : text.charAt(at)
  const isPair = isUnicode && at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff
  return text.slice(Math.max(0, at - (isPair ? 2 : 1)), at)
}

function codePointAt(text: string, at: number): number[] {
  const code = text.codePointAt(at)
  return code === undefined ? [] : [code]
}

function compile(source: string, flags: string): Compiled {
  const pattern = parser.parsePattern(source, 0, source.length, { unicode: flags.includes('u') })
  const isAnchored = !flags.includes('m') && pattern.alternatives.every(({ elements: [first] }) => isStart(first))
  return { program: programOf(pattern.alternatives, flags, false), isAnchored, isUnicode: flags.includes('u') }
}

function isStart(element: AST.Element | undefined): boolean {
  if (element?.type === 'Group' || element?.type === 'CapturingGroup') {
    return element.alternatives.every(({ elements: [first] }) => isStart(first))
  }
  return element?.type === 'Assertion' && element.kind === 'start'
}

function programOf(alternatives: readonly AST.Alternative[], flags: string, isBackward: boolean): Program {
  const code: Instruction[] = []

  function choose(branches: readonly (() => void)[]): void {
    const [branch, ...others] = branches
    if (others.length === 0) {
      branch?.()
      return
    }
    const split = { op: 'split' as const, first: code.length + 1, second: 0 }
    code.push(split)
    branch?.()
    const jump = { op: 'jump' as const, to: 0 }
    code.push(jump)
    split.second = code.length
    choose(others)
    jump.to = code.length
  }

  function addAlternatives(list: readonly AST.Alternative[]): void {
    choose(
      list.map(({ elements }) => () => {
        for (const element of isBackward ? elements.toReversed() : elements) add(element)
      }),
    )
  }

  /** One more iteration or what follows, in the order of the quantifier. */
  function addOption(isGreedy: boolean, body: () => void): void {
    const split = { op: 'split' as const, first: 0, second: 0 }
    code.push(split)
    const begin = code.length
    body()
    ;[split.first, split.second] = isGreedy ? [begin, code.length] : [code.length, begin]
  }

  function addQuantifier({ min, max, greedy, element }: AST.Quantifier): void {
    for (let count = 0; count < min; count++) add(element)
    if (max === Infinity) {
      const begin = code.length
      addOption(greedy, () => {
        code.push({ op: 'loop' })
        add(element)
        code.push({ op: 'progress' }, { op: 'jump', to: begin })
      })
    } else if (max > min) {
      addOption(greedy, () => {
        addQuantifier({ ...element.parent, min: 1, max: 1, greedy, element } as AST.Quantifier)
        addQuantifier({ min: 0, max: max - min - 1, greedy, element } as AST.Quantifier)
      })
    }
  }

  function add(element: AST.Element): void {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        addAlternatives(element.alternatives)
        break
      case 'Quantifier':
        addQuantifier(element)
        break
      case 'Assertion':
        addAssertion(element)
        break
      case 'Backreference':
        throw new TooManySteps('a backreference')
      default:
        code.push({ op: 'leaf', matches: leafMatcher(element.raw, flags) })
    }
  }

  function addAssertion(assertion: AST.Assertion): void {
    if (assertion.kind === 'lookahead' || assertion.kind === 'lookbehind') {
      const program = programOf(assertion.alternatives, flags, assertion.kind === 'lookbehind')
      code.push({ op: 'look', program, isNegated: assertion.negate })
    } else {
      code.push({ op: 'edge', holds: edge(assertion, flags.includes('m')) })
    }
  }

  addAlternatives(alternatives)
  return { code, isBackward }
}

function edge(assertion: AST.EdgeAssertion | AST.WordBoundaryAssertion, isMultiline: boolean) {
  const isBreak = (character: string) => /^[\n\r\u2028\u2029]$/.test(character)
  return (text: string, at: number): boolean => {
    switch (assertion.kind) {
      case 'start':
        return at === 0 || (isMultiline && isBreak(text.charAt(at - 1)))
      case 'end':
        return at === text.length || (isMultiline && isBreak(text.charAt(at)))
      default:
        return (isWord(text.charAt(at - 1)) !== isWord(text.charAt(at))) !== assertion.negate
    }
  }
}

function isWord(character: string): boolean {
  return /^\w$/.test(character)
}

/** V8 itself says which characters a class takes. */
function leafMatcher(raw: string, flags: string): (character: string) => boolean {
  const expression = new RegExp(`^(?:${raw})$`, flags.replace(/[^isu]/g, ''))
  const answers = new Map<string, boolean>()
  return (character) => {
    let answer = answers.get(character)
    if (answer === undefined) {
      answer = expression.test(character)
      answers.set(character, answer)
    }
    return answer
  }
}
