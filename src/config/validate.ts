import { envSchema } from 'env-schema'
import type { EnvSchemaOpt } from 'env-schema'
import { hasFileTwin, SCHEMA_VOCABULARY, SETTINGS } from './schema.ts'
import type { ValidatedSettings } from './schema.ts'
import type { Checked } from './checks.ts'
import type { SettingSchema } from './setting-kinds.ts'
import { settingsSchema } from './settings-schema.ts'

const WORDS = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
])

/** env-schema's own instance would take 1e3 for an integer and null for false: coercion is ours, validation is ajv's. */
const STRICT: NonNullable<EnvSchemaOpt['ajv']> = {
  customOptions: (ajv) => {
    ajv.opts.coerceTypes = false
    ajv.addVocabulary(SCHEMA_VOCABULARY)
    return ajv
  },
}

/** The typed settings, or a problem for each that is malformed, with the rest to go on checking. */
export function validate(texts: ReadonlyMap<string, string>, blamed: ReadonlySet<string>) {
  const data: Record<string, unknown> = Object.fromEntries(
    [...SETTINGS].flatMap(([name, schema]) => {
      const text = texts.get(name)
      return text === undefined ? [] : [[name, coerce(text, schema)]]
    }),
  )
  try {
    return {
      settings: envSchema<ValidatedSettings>({ schema: settingsSchema, data, env: false, ajv: STRICT }),
      problems: [],
    }
  } catch (error) {
    const wrong = wrongNames(error)
    const problems = [...wrong]
      .filter((name) => data[name] !== undefined || !blamed.has(name))
      .map((name) => problemOf(name, texts.get(name)))
    const defaults = [...SETTINGS].flatMap(([name, schema]) =>
      schema.default === undefined ? [] : [[name, schema.default] as const],
    )
    const known = new Map<string, unknown>([...defaults, ...Object.entries(data)])
    for (const name of wrong) known.delete(name)
    // What is left has passed the schema, entry by entry.
    return { settings: Object.fromEntries(known) as Checked, problems }
  }
}

/** The text as the type that the schema asks for; what does not fit stays text, which the validator then refuses. */
function coerce(text: string, { type, anyOf, enum: values }: SettingSchema): unknown {
  if (type === 'boolean') return WORDS.get(text.toLowerCase()) ?? text
  if (type === 'array') {
    const entries = text.split(',').map((entry) => entry.trim())
    return entries.filter((entry) => entry !== '')
  }
  if (type === 'integer' || anyOf !== undefined) return /^-?\d+$/.test(text) ? Number(text) : text.toLowerCase()
  return values === undefined ? text : text.toLowerCase()
}

function wrongNames(error: unknown): Set<string> {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) throw error
  // ajv's error objects, which env-schema hands on untyped.
  const errors = error.errors as { instancePath: string; params: { missingProperty?: string } }[]
  return new Set(errors.map(({ instancePath, params }) => params.missingProperty ?? instancePath.split('/')[1] ?? ''))
}

function problemOf(name: string, text: string | undefined): string {
  const schema = SETTINGS.get(name)
  if (schema === undefined) throw new Error(`the validator blamed an unknown setting: ${name}`)
  if (text === undefined) {
    const also = hasFileTwin(name) ? ` (or ${name}_FILE)` : ''
    return `${name}${also} is required: ${schema.description}.`
  }
  if (/^(tcp|udp|sctp):\/\//.test(text)) {
    return (
      `${name} holds an address that Kubernetes injects for a Service of that name: ` +
      'rename the Service, or set enableServiceLinks: false in the pod.'
    )
  }
  return `${name} must be ${expectation(schema)}.`
}

/** What a setting accepts, in words. */
export function expectation({ type, anyOf, enum: values, minimum, maximum, minLength, entry }: SettingSchema): string {
  if (anyOf !== undefined) return 'a port number from 0 to 65535, or off'
  if (values !== undefined) return `one of ${values.join(', ')}`
  if (type === 'integer') return `a whole number from ${String(minimum)} to ${String(maximum)}`
  if (type === 'boolean') return 'true or false'
  if (type === 'array') return `a list, separated by commas, of ${String(entry)}`
  return `at least ${String(minLength)} characters long`
}
