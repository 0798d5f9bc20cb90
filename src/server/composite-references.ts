import { isJsonObject, member } from './json-members.ts'
import type { JsonObject } from './json-members.ts'
import { carriesIds } from './record-names.ts'

/**
 * `@{ref.field}` in a composite is filled in by Cloudaware from an earlier answer, after the proxy has judged the request: the text of a record
 * could complete a path, or be the id of a record that is protected. What a reference may bring is told by the name of its field.
 */
export interface References {
  /** Whether the references of a path leave open which record is meant, and nothing else. */
  readonly mayStandIn: (path: string) => boolean
  /** The query as it is to be judged, `?` included or empty: with the worst that a reference could bring. */
  readonly atWorst: (search: string, policyPath: string) => string
}

/** Of a composite's sub-requests, in which queries may rename fields or ask for sessions. */
export function referencesOf(requests: readonly unknown[]): References {
  const asked = requests.filter(isJsonObject).map(questionOf)
  if (!asked.some((question) => REFERENCE.test(question))) {
    return { mayStandIn: () => true, atWorst: (search) => search }
  }
  const plain = asked.map(decoded).join('\n')
  // `SELECT MAX(Name) fooId`, `SELECT Name fooId … GROUP BY Name`: such an …Id is any text.
  const isRenaming = RENAMED_TO_ID.test(plain)
  const asksForSessions = /auth\s*session/i.test(plain)
  const isId = (field: string) => !isRenaming && /\.\w*id$/i.test(field)

  return {
    mayStandIn(path) {
      const [, field, rest = path] = RECORD_BY_REFERENCE.exec(path) ?? []
      return (field === undefined || isId(field)) && !REFERENCE.test(rest)
    },
    atWorst(search, policyPath) {
      if (!carriesIds(policyPath) || !REFERENCE.test(search)) return search
      const fields = [...search.matchAll(/@\{([^{}]*)\}/g)].map(([, field = '']) => field)
      const isPlain = fields.length === search.split(ANY_REFERENCE).length - 1
      return isPlain && !asksForSessions && fields.every(isId) ? search : `${search},${SESSION_ID}`
    },
  }
}

/** Whatever of `@{` is percent-encoded, and the other signs that its engine takes. */
const REFERENCE = /[@$%](?:40|24)?(?:\{|%7b)/i
const ANY_REFERENCE = new RegExp(REFERENCE, 'gi')

/** A whole segment below `/sobjects/<Type>/`. */
const RECORD_BY_REFERENCE = /^\/services\/data\/v[\d.]+\/(?:tooling\/)?sobjects\/\w+\/@\{([\w.[\]]+)\}(?=\/|$)(.*)$/i

/** A field or a function, and behind it another name, in the list of a SELECT. */
const RENAMED_TO_ID = /(?:(?<!\w)(?!(?:select|then|else|by)\s)\w+\s+|\)\s*)\w*id\s*(?:,|\sfrom\b)/i

/** Stands for any session. */
const SESSION_ID = '0Ak000000000000'

/** The text of what it asks for: its address, and its body where that holds a query. The words of a record are none. */
function questionOf(request: JsonObject): string {
  const url = String(member(request, 'url'))
  return QUERY.test(url) ? `${url} ${JSON.stringify(member(request, 'body'))}` : url
}

const QUERY = /query|search|graphql/i

/** As the org reads an address; and JSON's escapes of a line or a tab. */
function decoded(text: string): string {
  return text
    .replace(/\\[nrtf]|\+/g, ' ')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
