import { parseQuery, type Query } from '@jetstreamapp/soql-parser-js'
import { ApiError } from './api-error.ts'

export const malformed = (message: string) => new ApiError(400, 'MALFORMED_QUERY', message)

/** The syntax tree of a query; throws MALFORMED_QUERY in Salesforce's words. */
export function parseSoql(soql: string): Query {
  const query = soql.trim()
  if (query === '') throw malformed('unexpected end of query')
  try {
    return parseQuery(query)
  } catch (cause) {
    throw malformed(describe(cause, query))
  }
}

function describe(cause: unknown, soql: string): string {
  const message = cause instanceof Error ? cause.message : ''
  const token = /found\s*(?:-->|:)\s*'([^']*)'|found:\s*(\S+)/.exec(message)
  const found = token?.[1] ?? token?.[2]
  if (found !== undefined && found !== '') return `unexpected token: '${found}'`
  const offset = /at offset: (\d+)/.exec(message)?.[1]
  if (offset === undefined) return 'unexpected token: <EOF>'
  return `line 1:${offset} no viable alternative at character '${soql.charAt(Number(offset))}'`
}

/** The message of an error at a place of the query: the query, an arrow, the place, the reason. */
export function atPlace(soql: string, word: string, reason: string): string {
  const query = soql.trim()
  const found = query.toLowerCase().indexOf(word.toLowerCase())
  const at = Math.max(found, 0)
  return `\n${query}\n${' '.repeat(at)}^\nERROR at Row:1:Column:${at + 1}\n${reason}`
}
