/** Longer paths tell no more, and a log line must not be the caller's to fill. */
const MAX_LENGTH = 200

/** 15 characters, or 18 with the checksum, at least one of them a digit. Bulk and cursors append `-` and a place. */
const RECORD_ID = /\/(?=[A-Za-z]*\d)[A-Za-z\d]{15}(?:[A-Za-z\d]{3})?(?:-[\w-]+)?(?=[/.]|$)/g

/** `/sobjects/<Type>/<field>/<value>`: the value of an external id. The words are those that are no fields. */
const EXTERNAL_ID =
  /(\/sobjects\/[^/]+\/(?!\{id\}|describe|listviews|layouts|quickactions|approvallayouts|compactlayouts|relevantitems|deleted|updated)[^/]+)\/[^/]+/i

/**
 * A request target as it may be logged and counted together: without the query (SOQL), record ids and values of external ids,
 * which are customer data; repeated slashes collapsed, cut to 200 characters.
 */
export function normalPath(target: string): string {
  const queryAt = target.indexOf('?')
  const path = (queryAt === -1 ? target : target.slice(0, queryAt)).replace(/\/{2,}/g, '/')
  const named = path.slice(0, MAX_LENGTH).replace(RECORD_ID, '/{id}').replace(EXTERNAL_ID, '$1/{value}')
  return path.length > MAX_LENGTH ? `${named}…` : named
}
