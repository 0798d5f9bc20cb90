import type { HavingClause, Query, WhereClause } from '@jetstreamapp/soql-parser-js'
import { type FieldType, type Row, type Value } from './schema-types.ts'
import { comparison, type Literal } from './soql-compare.ts'
import { malformed } from './soql-parse.ts'

export type Predicate = (row: Row) => boolean

/** What a condition speaks of: a field path, or a function such as COUNT(Id) in HAVING. */
export interface Operand {
  readonly name: string
  readonly kind: FieldType
  get(row: Row): Value
}

export interface WhereContext {
  readonly now: number
  operand(name: string, isFunction: boolean): Operand
  /** The literals that a semi-join yields. */
  subquery(query: Query): Literal[]
}

type Token = '(' | ')' | 'AND' | 'OR' | 'NOT' | Predicate

/** WHERE or HAVING as a function of a row. The parser hands over a flat chain with counted parentheses: read it again with precedence. */
export function compileWhere(where: WhereClause | HavingClause, context: WhereContext): Predicate {
  const tokens = [...flatten(where, context)]
  const predicate = expression(tokens)
  if (tokens.length > 0) throw malformed("unexpected token: ')'")
  return predicate
}

function* flatten(where: WhereClause | HavingClause, context: WhereContext): Generator<Token> {
  const { left } = where
  yield* repeated('(', left?.openParen)
  if (left !== null && 'operator' in left) yield condition(left, context)
  if (left !== null && 'closeParen' in left) yield* repeated(')', left.closeParen)
  if (!('operator' in where)) return
  yield where.operator
  yield* flatten(where.right, context)
}

function* repeated(token: '(' | ')', count = 0): Generator<Token> {
  for (let n = 0; n < count; n++) yield token
}

/** Salesforce refuses AND and OR side by side without parentheses. */
function expression(tokens: Token[]): Predicate {
  const terms = [term(tokens)]
  const operator = tokens[0]
  if (operator !== 'AND' && operator !== 'OR') return terms[0] ?? (() => true)
  while (tokens[0] === operator) {
    tokens.shift()
    terms.push(term(tokens))
  }
  if (tokens[0] === 'AND' || tokens[0] === 'OR') throw malformed(`unexpected token: '${tokens[0]}'`)
  return operator === 'AND' ? (row) => terms.every((test) => test(row)) : (row) => terms.some((test) => test(row))
}

function term(tokens: Token[]): Predicate {
  const token = tokens.shift()
  if (typeof token === 'function') return token
  if (token === 'NOT') {
    const test = term(tokens)
    return (row) => !test(row)
  }
  if (token !== '(') throw malformed(`unexpected token: '${token ?? '<EOF>'}'`)
  const inner = expression(tokens)
  if (tokens.shift() !== ')') throw malformed("expecting a right parentheses, found '<EOF>'")
  return inner
}

type Compared = Extract<WhereClause['left'], { operator: unknown }>

function condition(compared: Compared, context: WhereContext): Predicate {
  const operand =
    'fn' in compared ? context.operand(compared.fn.rawValue ?? '', true) : context.operand(compared.field, false)
  const literals = 'valueQuery' in compared ? context.subquery(compared.valueQuery) : literalsOf(compared)
  const test = comparison({ name: operand.name, kind: operand.kind, now: context.now }, compared.operator, literals)
  return (row) => test(operand.get(row))
}

function literalsOf(compared: { value: string | string[]; literalType?: string | string[] }): Literal[] {
  const types = [compared.literalType ?? 'STRING'].flat()
  return [compared.value].flat().map((text, index) => ({ text, type: types[index] ?? types[0] ?? 'STRING' }))
}
