import { json, type Answer } from './answer.ts'
import { ApiError } from './api-error.ts'
import { isObject, jsonObject, type ApiCall } from './call.ts'
import { OBJECT_TYPES } from './cmdb-schema.ts'
import type { Org } from './org.ts'
import type { Row } from './schema-types.ts'
import { runQuery } from './soql.ts'

/** One object to be searched: a query that names what is wanted of it, without the search words. */
interface Wanted {
  readonly soql: string
}

/** `/search?q=FIND {…} IN … FIELDS RETURNING …`. */
export function searchApi(org: Org, call: ApiCall): Answer {
  const sosl = call.query.get('q') ?? ''
  const match =
    /^\s*FIND\s*\{([^}]+)\}(?:\s+IN\s+(ALL|NAME)\s+FIELDS)?(?:\s+RETURNING\s+(.+?))?(?:\s+LIMIT\s+(\d+))?\s*$/is.exec(
      sosl,
    )
  if (match === null) {
    throw new ApiError(400, 'MALFORMED_SEARCH', 'No search term found. The search term must be enclosed in braces.')
  }
  const [, words = '', group = 'ALL', returning, limit] = match
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
  const parts = returning.match(/\w+\s*(?:\((?:[^()']|'(?:[^'\\]|\\.)*'|\([^)]*\))*\))?/gs) ?? []
  return parts.map((part) => {
    const [, name = '', list = ''] = /^(\w+)\s*(?:\((.*)\))?$/s.exec(part.trim()) ?? []
    const [, fields = '', rest = ''] = /^(.*?)((?:\s+(?:WHERE|ORDER\s+BY|LIMIT|OFFSET)\s.*)?)$/is.exec(list) ?? []
    return { soql: `SELECT ${fields.trim() === '' ? 'Id' : fields} FROM ${name}${rest}` }
  })
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
  const patterns = terms.map((term) => {
    const escaped = term.replaceAll('"', '').replace(/[.+^${}()|[\]\\/-]/g, '\\$&')
    return new RegExp(`(?<!\\w)${escaped.replaceAll('*', '\\w*').replaceAll('?', '\\w')}(?!\\w)`, 'i')
  })
  return (row) => {
    const texts = inName ? [row.Name] : Object.values(row)
    return patterns.every((pattern) => texts.some((value) => typeof value === 'string' && pattern.test(value)))
  }
}
