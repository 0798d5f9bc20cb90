import { formFields } from '../form-fields.ts'

/**
 * What finds the id of a record of this key prefix (its first three characters, small letters) in a text: 15 characters, or 18 of which
 * the case does not matter. It ignores the case of both.
 */
export function recordIdPattern(keyPrefix: string): RegExp {
  return new RegExp(`(?<![a-z\\d])${keyPrefix}[a-z\\d]{12}`, 'i')
}

/** What finds the name of a type of record in a text. */
export function typePattern(type: string): RegExp {
  return new RegExp(`(?<!\\w)${type}(?!\\w)`, 'i')
}

/**
 * Whether a REST request names such a record: in its path, whatever the resource (rows, relationships, UI API), or in the query of a
 * deletion of several records (`composite/sobjects?ids=`).
 */
export function namesRecord(recordId: RegExp, policyPath: string, search: string): boolean {
  if (!policyPath.startsWith('/services/data/')) return false
  if (recordId.test(policyPath)) return true
  return search !== '' && carriesIds(policyPath) && recordId.test(decodedQuery(search))
}

/** Whether the query of a write on this policy path names the records that it is about. */
export function carriesIds(policyPath: string): boolean {
  return COLLECTIONS.test(policyPath)
}

const COLLECTIONS = /\/composite\/sobjects(?:\/|$)/

/** What tells whether a query in an address, where the path takes one, asks for records of a type. */
export function queriesFor(type: string): (search: string) => boolean {
  // Nearly every query is told by a look at it as it was sent: decoding it costs more than all the rest of the policy.
  const spelt = new RegExp([...type.matchAll(/\w/g)].map(([letter]) => encodings(letter)).join(''), 'i')
  const plain = new RegExp(type, 'i')
  const pattern = typePattern(type)
  return (search) => (search.includes('%') ? spelt : plain).test(search) && pattern.test(decodedQuery(search))
}

/** A letter as itself or percent-encoded, small or capital. */
function encodings(letter: string): string {
  const codes = [letter, letter.toUpperCase()].map((one) => `%${one.charCodeAt(0).toString(16)}`)
  return `(?:${[letter, ...codes].join('|')})`
}

/** Whether this policy path takes a query, in its address or its body: SOQL, SOSL, GraphQL. */
export function takesQuery(policyPath: string): boolean {
  return QUERIES.test(policyPath)
}

const QUERIES =
  /^\/services\/data\/[^/]+\/(?:tooling\/)?(?:query|queryall|search|parameterizedsearch|graphql|jobs\/query)(?:\/|$)/

/** Names and values alike: which parameter a server takes for the ids is not for us to guess. */
function decodedQuery(search: string): string {
  return [...formFields(search)].flat().join(' ')
}
