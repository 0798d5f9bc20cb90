import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' }

/** What is wrong with a HAR, by the JSON Schemas of HAR 1.2 that its tools use; nothing where it is valid. */
export function harProblems(har: unknown): unknown {
  // The package has no types.
  const schemas = createRequire(import.meta.url)('har-schema') as Record<string, object>
  const ajv = new Ajv({ allErrors: true, strict: false })
  // A CommonJS module whose default export is the function.
  ;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
  ajv.addMetaSchema(draft6)
  for (const schema of Object.values(schemas)) ajv.addSchema(schema)
  return ajv.validate('har.json#', har) ? undefined : ajv.errors
}
