import type { OrderByClause, QueryBase } from '@jetstreamapp/soql-parser-js'
import { ApiError } from './api-error.ts'
import type { Row } from './schema-types.ts'
import { functionOperand, order, type Members } from './soql-functions.ts'
import { atPlace } from './soql-parse.ts'
import { resolvePath, type Scope } from './soql-paths.ts'
import type { Operand } from './soql-where.ts'

/** What WHERE, HAVING or ORDER BY names. Long text areas can only be selected. */
export function operandOf(scope: Scope, name: string, isFunction: boolean, members: Members): Operand {
  if (isFunction) return functionOperand(scope, name, members)
  const path = resolvePath(scope, name)
  if (path.kind === 'textarea') {
    const reason = `field '${name}' can not be filtered or sorted in a query call`
    throw new ApiError(400, 'INVALID_FIELD', atPlace(scope.soql, name, reason))
  }
  return { name, kind: path.kind, get: (row) => path.get(row) }
}

/** ORDER BY; nulls come first unless told otherwise. */
export function sorted(scope: Scope, query: QueryBase, rows: readonly Row[], members: Members): readonly Row[] {
  const clauses: OrderByClause[] = [query.orderBy ?? []].flat()
  if (clauses.length === 0) return rows
  const keys = clauses.map((clause) => {
    const by =
      'fn' in clause
        ? operandOf(scope, clause.fn.rawValue ?? '', true, members)
        : operandOf(scope, clause.field, false, members)
    const direction = clause.order === 'DESC' ? -1 : 1
    return { by, direction, nulls: clause.nulls === 'LAST' ? 1 : -1 }
  })
  return [...rows].sort((a, b) => {
    for (const { by, direction, nulls } of keys) {
      const [left, right] = [by.get(a), by.get(b)]
      if (left === null && right === null) continue
      const sign = left === null ? nulls : right === null ? -nulls : order(left, right) * direction
      if (sign !== 0) return sign
    }
    return 0
  })
}

/** LIMIT and OFFSET. */
export function windowed(query: QueryBase, rows: readonly Row[]): readonly Row[] {
  const offset = query.offset ?? 0
  if (offset > 2000) {
    throw new ApiError(400, 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000')
  }
  return rows.slice(offset, offset + (query.limit ?? rows.length))
}
