import { json, type Answer } from './answer.ts'

/** A refusal in Salesforce's REST shape, thrown by any route and answered as `[{message, errorCode}]`. */
export class ApiError extends Error {
  readonly status: number
  readonly errorCode: string
  readonly fields: readonly string[] | undefined

  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.errorCode = errorCode
    this.fields = fields
  }

  toJSON(): object {
    const { message, errorCode, fields } = this
    return fields === undefined ? { message, errorCode } : { message, errorCode, fields }
  }
}

export function apiError(status: number, errorCode: string, message: string): Answer {
  return json(status, [{ message, errorCode }])
}

export const notFound = (message = 'The requested resource does not exist') => new ApiError(404, 'NOT_FOUND', message)

export const methodNotAllowed = (method: string, allowed: string) =>
  new ApiError(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are ${allowed}`)

/** The answer to whatever a route threw; a fault of the emulator's own is a 500 in the same shape. */
export function answerToError(error: unknown): Answer {
  if (error instanceof ApiError) return json(error.status, [error])
  const message = error instanceof Error ? error.message : 'An unexpected error occurred'
  return apiError(500, 'UNKNOWN_EXCEPTION', message)
}
