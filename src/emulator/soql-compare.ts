import type { Operator } from '@jetstreamapp/soql-parser-js'
import { ApiError } from './api-error.ts'
import type { FieldType, Value } from './schema-types.ts'
import { daySpan, literalSpan, type Span } from './soql-dates.ts'
import { malformed } from './soql-parse.ts'
import { matchesWildcards } from '../wildcards.ts'

/** One literal of a query, as the parser hands it over. */
export interface Literal {
  readonly text: string
  readonly type: string
}

type Test = (value: Value) => boolean

/** What a value is called in messages, what kind it is, and what time it is now. */
export interface Comparand {
  readonly name: string
  readonly kind: FieldType
  readonly now: number
}

/** A test of values against the literals of a condition. Throws INVALID_FIELD where the kinds do not fit. */
export function comparison(on: Comparand, operator: Operator, literals: readonly Literal[]): Test {
  const first = literals[0] ?? { text: 'NULL', type: 'NULL' }
  switch (operator) {
    case 'IN':
      return anyOf(literals.map((literal) => single(on, '=', literal)))
    case 'NOT IN':
      return not(anyOf(literals.map((literal) => single(on, '=', literal))))
    case 'INCLUDES':
      return includes(literals)
    case 'EXCLUDES':
      return not(includes(literals))
    case 'LIKE':
      return like(on, first)
    case '!=':
      return not(single(on, '=', first))
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return single(on, operator, first)
  }
}

const not =
  (test: Test): Test =>
  (value) =>
    !test(value)
const anyOf =
  (tests: Test[]): Test =>
  (value) =>
    tests.some((test) => test(value))

type Order = '=' | '<' | '<=' | '>' | '>='

function single(on: Comparand, operator: Order, literal: Literal): Test {
  if (literal.type === 'NULL' || literal.text === "''") return (value) => operator === '=' && value === null
  if (on.kind === 'date' || on.kind === 'datetime') return inTime(on, operator, literal)
  const wanted = typed(on, literal)
  return (value) => {
    if (value === null) return false
    const found = on.kind === 'id' || on.kind === 'reference' ? String(value).slice(0, 15) : folded(value)
    if (operator === '=') return found === wanted
    return typeof found === typeof wanted && ordered(operator, found < wanted ? -1 : found > wanted ? 1 : 0)
  }
}

function ordered(operator: Order, sign: number): boolean {
  switch (operator) {
    case '=':
      return sign === 0
    case '<':
      return sign < 0
    case '<=':
      return sign <= 0
    case '>':
      return sign > 0
    case '>=':
      return sign >= 0
  }
}

/** Text is compared without regard to case. */
const folded = (value: string | number | boolean) => (typeof value === 'string' ? value.toLowerCase() : value)

function typed(on: Comparand, { text, type }: Literal): string | number | boolean {
  switch (on.kind) {
    case 'boolean':
      if (type === 'BOOLEAN') return text.toUpperCase() === 'TRUE'
      throw mismatch(on, 'boolean and should not be enclosed in quotes')
    case 'int':
    case 'double':
    case 'currency':
      if (type === 'INTEGER' || type === 'DECIMAL') return Number(text)
      throw mismatch(on, 'double and should not be enclosed in quotes')
    default:
      if (type !== 'STRING') throw mismatch(on, 'string and should be enclosed in quotes')
      return on.kind === 'id' || on.kind === 'reference' ? unquoted(text).slice(0, 15) : unquoted(text).toLowerCase()
  }
}

function mismatch(on: Comparand, wanted: string): ApiError {
  return new ApiError(
    400,
    'INVALID_FIELD',
    `value of filter criterion for field '${on.name}' must be of type ${wanted}`,
  )
}

function inTime(on: Comparand, operator: Order, literal: Literal): Test {
  const { start, end } = span(on, literal)
  return (value) => {
    if (value === null) return false
    const at = Date.parse(String(value))
    const sign = at < start ? -1 : at >= end ? 1 : 0
    return ordered(operator, sign)
  }
}

function span(on: Comparand, { text, type }: Literal): Span {
  if (type === 'DATETIME') {
    const at = Date.parse(text)
    return { start: at, end: at + 1 }
  }
  if (type === 'DATE') return daySpan(text)
  const known = type === 'STRING' ? undefined : literalSpan(text, on.now)
  if (known !== undefined) return known
  throw mismatch(on, `${on.kind === 'date' ? 'date' : 'dateTime'} and should not be enclosed in quotes`)
}

function like(on: Comparand, literal: Literal): Test {
  if (literal.type !== 'STRING') throw malformed(`LIKE needs a string`)
  if (!['string', 'picklist', 'id', 'reference'].includes(on.kind)) {
    throw new ApiError(400, 'INVALID_FIELD', `invalid operator on ${on.name}: like`)
  }
  const pattern = literal.text.slice(1, -1).match(/\\[^]|[^]/g) ?? []
  const wanted = pattern.map((part) => ({ part, character: unescaped(part).toLowerCase() }))
  return (value) =>
    value !== null &&
    matchesWildcards(wanted, String(value).toLowerCase(), {
      isAny: ({ part }) => part === '%',
      isMatch: ({ part, character }, other) => part === '_' || character === other,
    })
}

/** Of a multi-select picklist: any of the alternatives, of which each may ask for several values at once. */
function includes(literals: readonly Literal[]): Test {
  const alternatives = literals.map(({ text }) => unquoted(text).toLowerCase().split(';'))
  return (value) => {
    const held = String(value ?? '')
      .toLowerCase()
      .split(';')
    return alternatives.some((wanted) => wanted.every((item) => held.includes(item)))
  }
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** A SOQL string literal without its quotes and escapes. */
export function unquoted(literal: string): string {
  return literal.slice(1, -1).replace(/\\[^]/g, unescaped)
}

function unescaped(part: string): string {
  const character = part.slice(1)
  return character === '' ? part : (ESCAPES[character] ?? character)
}
