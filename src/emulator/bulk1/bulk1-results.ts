import { json, text, type Answer } from '../answer.ts'
import { ApiError } from '../api-error.ts'
import { errorText } from '../bulk-ingest.ts'
import { csvRows } from '../bulk-query.ts'
import { formatCsv } from '../csv.ts'
import { normaliseId } from '../record-id.ts'
import { xmlAnswer } from './bulk1-form.ts'
import type { Batch, Bulk1Job } from './bulk1-types.ts'

export const CSV_TEXT = 'text/csv;charset=UTF-8'

/** For a query where its results lie, else what became of each record, in the order sent. */
export function results(job: Bulk1Job, { state, query, results: saved }: Batch): Answer {
  if (state !== 'Completed') throw new ApiError(400, 'InvalidBatch', 'Batch not completed')
  if (query !== undefined) {
    return job.contentType === 'JSON' ? json(200, [query.id]) : xmlAnswer(200, 'result-list', { result: query.id })
  }
  if (job.contentType === 'JSON') {
    const shown = saved.map(({ id, success, errors, created }) => {
      return { success, created: created ?? (success && isInsert(job)), id: id ?? null, errors }
    })
    return json(200, shown)
  }
  const rows = saved.map((result) => {
    const { id = '', success, created = success && isInsert(job) } = result
    return [id, String(success), String(created), success ? '' : errorText(result)]
  })
  return text(200, CSV_TEXT, formatCsv([['Id', 'Success', 'Created', 'Error'], ...rows]))
}

const isInsert = ({ operationName }: Bulk1Job) => operationName === 'insert'

/** The records of one result of a query. */
export function queryResult(job: Bulk1Job, { query }: Batch, resultId: string): Answer {
  if (query === undefined || query.id !== normaliseId(resultId)) {
    throw new ApiError(400, 'InvalidBatch', `Unable to find result: ${resultId}`)
  }
  const { rows, shape } = query.result
  if (job.contentType === 'CSV') return text(200, CSV_TEXT, formatCsv(csvRows(query.result, rows)))
  return json(
    200,
    rows.map((row) => shape(row, `/services/data/v${job.apiVersion}`)),
  )
}
