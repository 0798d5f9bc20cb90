import { Type } from 'typebox'

interface ListShape {
  entry: string
  pattern: string
}

export const HOST_LIST: ListShape = {
  entry: 'host names such as proxy.example.com, *.example.com or name:8080',
  pattern: '^(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?(:\\d{1,5})?$|^\\[[0-9A-Fa-f:.]+\\](:\\d{1,5})?$',
}
export const ORIGIN_LIST: ListShape = {
  entry: 'origins such as https://app.example.com or http://localhost:3000, without a path',
  pattern: '^https?://[^/?#@*,\\s]+$',
}
export const PATH_LIST: ListShape = { entry: 'paths that begin with a slash, such as /services/data', pattern: '^/' }
export const ALLOWED_PATH_LIST: ListShape = {
  entry: 'paths that begin with a slash, such as /services/data, or soap:<operation>',
  pattern: '^/|^soap:\\w+$',
}

export const text = (description: string, options = {}) => Type.Optional(Type.String({ description, ...options }))
/** A comma list; `shape` says in words and as a pattern what one entry is. */
export const list = (description: string, shape: ListShape, options = {}) =>
  Type.Array(Type.String({ pattern: shape.pattern }), {
    description,
    default: [] as string[],
    entry: shape.entry,
    ...options,
  })
export const flag = (description: string) => Type.Boolean({ description, default: false })
export const choice = <V extends string[]>(
  description: string,
  fallback: NoInfer<V[number]>,
  values: readonly [...V],
) => Type.Enum(values, { description, default: fallback })

interface Range {
  default?: number
  minimum: number
  maximum: number
  deprecated?: boolean
}
export const whole = (description: string, range: Range) => Type.Integer({ description, ...range })

export const PORT = { minimum: 0, maximum: 65_535 }

/** What the schema says of one setting, as plain JSON Schema. */
export interface SettingSchema {
  type?: 'string' | 'integer' | 'boolean' | 'array'
  enum?: string[]
  anyOf?: unknown[]
  description: string
  default?: string | number | boolean | readonly string[]
  defaultText?: string
  minimum?: number
  maximum?: number
  minLength?: number
  secret?: boolean
  file?: boolean
  entry?: string
  /** Accepted for now, and left out of the documents. */
  deprecated?: boolean
}
