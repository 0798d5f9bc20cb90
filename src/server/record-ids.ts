/**
 * What finds the id of a record of this key prefix (its first three characters, small letters) in a text: 15 characters, or 18 of which
 * the case does not matter. It ignores the case of both.
 */
export function recordIdPattern(keyPrefix: string): RegExp {
  return new RegExp(`(?<![a-z\\d])${keyPrefix}[a-z\\d]{12}`, 'i')
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

/** Names and values alike: which parameter a server takes for the ids is not for us to guess. */
function decodedQuery(search: string): string {
  return [...new URLSearchParams(search)].flat().join(' ')
}
