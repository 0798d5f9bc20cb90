export interface SaveError {
  readonly statusCode: string
  readonly message: string
  readonly fields: readonly string[]
}

/** What becomes of one record of many. */
export interface SaveResult {
  readonly id?: string
  readonly success: boolean
  readonly errors: readonly SaveError[]
  readonly created?: boolean
}

export type Operation =
  { readonly kind: 'insert' | 'update' | 'delete' } | { readonly kind: 'upsert'; readonly externalId: string }
