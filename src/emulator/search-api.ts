import { json, type Answer } from './answer.ts'
import { ApiError } from './api-error.ts'
import { isObject, jsonObject, type ApiCall } from './call.ts'
import { OBJECT_TYPES } from './cmdb-schema.ts'
import type { Org } from './org.ts'
import type { Row } from './schema-types.ts'
import { runQuery } from './soql.ts'
import { matchesWildcards } from '../wildcards.ts'

/** One object to be searched: a query that names what is wanted of it, without the search words. */
interface Wanted {
  readonly soql: string
}

/** `/search?q=FIND {…} IN … FIELDS RETURNING …`. */
export function searchApi(org: Org, call: ApiCall): Answer {
  const sosl = call.query.get('q') ?? ''
  const match = /^\s*FIND\s*\{([^{}]+)\}(?:\s+IN\s+(ALL|NAME)\s+FIELDS)?(?=\s|$)/i.exec(sosl)
  if (match === null) {
    throw new ApiError(400, 'MALFORMED_SEARCH', 'No search term found. The search term must be enclosed in braces.')
  }
  const [head, words = '', group = 'ALL'] = match
  const rest = sosl.slice(head.length).trim()
  const [tail = '', limit] = /(?:^|\s)LIMIT\s+(\d+)$/i.exec(rest) ?? []
  const clause = rest.slice(0, rest.length - tail.length).trim()
  if (clause !== '' && !/^RETURNING\s/i.test(clause)) {
    throw new ApiError(400, 'MALFORMED_SEARCH', 'A search takes IN, RETURNING and LIMIT, in this order.')
  }
  const returning = clause === '' ? undefined : clause.slice('RETURNING'.length)
  return found(org, call, { words, inName: group.toUpperCase() === 'NAME', wanted: returned(returning), limit })
}

/** `/parameterizedSearch`, by GET or POST. */
export function parameterizedSearch(org: Org, call: ApiCall): Answer {
  const asked = call.method === 'POST' ? jsonObject(call) : fromQuery(call.query)
  const words = typeof asked.q === 'string' ? asked.q : ''
  if (words.trim() === '') throw new ApiError(400, 'MALFORMED_SEARCH', 'Search term must be longer than one character')
  const common = names(asked.fields)
  const sobjects = (Array.isArray(asked.sobjects) ? asked.sobjects : []).filter(isObject)
  const wanted = sobjects.map(({ name, fields, limit }) => {
    const own = names(fields)
    const list = own.length > 0 ? own : common.length > 0 ? common : ['Id']
    return {
      soql: `SELECT ${list.join(', ')} FROM ${String(name)}${typeof limit === 'number' ? ` LIMIT ${limit}` : ''}`,
    }
  })
  const overall = asked.overallLimit
  const limit = typeof overall === 'number' || typeof overall === 'string' ? String(overall) : undefined
  return found(org, call, {
    words,
    inName: asked.in === 'NAME',
    wanted: wanted.length > 0 ? wanted : everything(),
    limit,
  })
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  return {
    q: query.get('q') ?? '',
    in: query.get('in') ?? 'ALL',
    fields: query.get('fields')?.split(','),
    sobjects: query.getAll('sobject').map((name) => ({ name })),
    overallLimit: query.get('overallLimit') ?? undefined,
  }
}

const names = (fields: unknown) => (Array.isArray(fields) ? fields.map(String) : [])

const everything = (): Wanted[] => OBJECT_TYPES.map((type) => ({ soql: `SELECT Id FROM ${type.name}` }))

/** `Object(Id, Name WHERE … LIMIT 5), Other`: each becomes a query. */
function returned(returning: string | undefined): Wanted[] {
  if (returning === undefined) return everything()
  return objectsIn(returning).map((object) => {
    const [, name = '', list = ''] = /^(\w+)\s*(?:\((.*)\))?$/s.exec(object.trim()) ?? []
    const clauseAt = list.search(/\s(?:WHERE|ORDER\s+BY|LIMIT|OFFSET)\s/i)
    const fields = clauseAt === -1 ? list : list.slice(0, clauseAt)
    return { soql: `SELECT ${fields.trim() === '' ? 'Id' : fields} FROM ${name}${list.slice(fields.length)}` }
  })
}

/** Divides a list at its commas, but for those in parentheses or in a string. */
function objectsIn(list: string): string[] {
  const objects: string[] = []
  let begin = 0
  let depth = 0
  let isInString = false
  for (let at = 0; at < list.length; at++) {
    const character = list[at]
    if (isInString && character === '\\') at++
    else if (character === "'") isInString = !isInString
    else if (!isInString && character === '(') depth++
    else if (!isInString && character === ')') depth--
    else if (!isInString && character === ',' && depth === 0) {
      objects.push(list.slice(begin, at))
      begin = at + 1
    }
  }
  return [...objects, list.slice(begin)]
}

interface Search {
  readonly words: string
  readonly inName: boolean
  readonly wanted: readonly Wanted[]
  readonly limit: string | undefined
}

function found(org: Org, call: ApiCall, { words, inName, wanted, limit }: Search): Answer {
  const matches = matcher(words, inName)
  const base = `/services/data/v${call.version}`
  const records = wanted.flatMap(({ soql }) => {
    const context = { store: org.store, now: org.state.clock.now(), includeDeleted: false }
    const { rows, shape } = runQuery(soql, context, matches)
    return rows.map((row) => shape(row, base))
  })
  return json(200, { searchRecords: records.slice(0, Number(limit ?? 2000)) })
}

/** Every word must be there, as a word of its own; `*` and `?` stand for any characters and for one. */
function matcher(words: string, inName: boolean): (row: Row) => boolean {
  const terms = words.match(/"[^"]+"|\S+/g) ?? []
  const patterns = terms.map((term) => term.toLowerCase().match(/[\w*?]+|[^\w*?"]/g) ?? [])
  return (row) => {
    const texts = (inName ? [row.Name] : Object.values(row)).filter((value) => typeof value === 'string')
    const divided = texts.map((text) => text.toLowerCase().match(/\w+|\W/g) ?? [])
    return patterns.every((pattern) => divided.some((parts) => holds(parts, pattern)))
  }
}

/** Whether these words, and what is between them, follow each other somewhere in the parts of a text. */
function holds(parts: readonly string[], pattern: readonly string[]): boolean {
  return parts.some((_part, at) => pattern.every((word, offset) => isWord(word, parts[at + offset] ?? '')))
}

function isWord(pattern: string, word: string): boolean {
  return matchesWildcards(Array.from(pattern), word, {
    isAny: (character) => character === '*',
    isMatch: (character, other) => character === '?' || character === other,
  })
}
