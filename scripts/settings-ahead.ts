import { createRequire } from 'node:module'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { build as runEsbuild, type Plugin } from 'esbuild'

/** A validator that ajv made: by what it is asked for, and its source. */
interface Validator {
  readonly key: string
  readonly source: string
}

type CommonJs = (module: { exports: unknown }, require: NodeJS.Require) => void

interface Rehearsed {
  readonly settingsSchema: string
  readonly validators: readonly Validator[]
}

const NAMESPACE = 'settings-ahead'

/**
 * Has the schema of the settings made, and its validators compiled, while bundling instead of at each start: env-schema validates as
 * ever, but what it takes for ajv knows these schemas only, and typebox's values are the JSON that they stand for.
 */
export async function settingsAhead(root: string): Promise<Plugin> {
  const { settingsSchema, validators } = await rehearse(root)
  return {
    name: NAMESPACE,
    setup: (build) => {
      build.onLoad({ filter: /[\\/]src[\\/]config[\\/]settings-schema\.ts$/ }, () => ({
        contents: `export const settingsSchema = ${settingsSchema}`,
      }))
      build.onResolve({ filter: /^ajv$/ }, ({ importer }) =>
        isEnvSchema(importer) ? { path: 'ajv', namespace: NAMESPACE } : undefined,
      )
      build.onResolve({ filter: /^validator:/ }, ({ path }) => ({ path, namespace: NAMESPACE }))
      build.onLoad({ filter: /^ajv$/, namespace: NAMESPACE }, () => ({ contents: compiledAjv(validators) }))
      build.onLoad({ filter: /^validator:/, namespace: NAMESPACE }, ({ path }) => ({
        contents: validators[Number(path.slice('validator:'.length))]?.source ?? '',
        resolveDir: join(root, 'node_modules/env-schema'),
      }))
    },
  }
}

/** Validates no settings at all with env-schema and an ajv that writes down what it compiles. */
async function rehearse(root: string): Promise<Rehearsed> {
  const { outputFiles } = await runEsbuild({
    absWorkingDir: root,
    stdin: { contents: REHEARSAL, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    logLevel: 'warning',
    plugins: [{ name: 'recorder', setup: recorder(root) }],
  })
  const run = compileFunction(outputFiles[0]?.text ?? '', ['module', 'require']) as CommonJs
  const module: { exports: unknown } = { exports: {} }
  run(module, createRequire(join(root, 'package.json')))
  // What REHEARSAL exports.
  return module.exports as Rehearsed
}

const REHEARSAL = `
import { validators } from 'recorder'
import { settingsSchema as schema } from './src/config/settings-schema.ts'
import { validate } from './src/config/validate.ts'
export const settingsSchema = JSON.stringify(schema)
validate(new Map(), new Set())
export { validators }
`

function recorder(root: string): Plugin['setup'] {
  return (build) => {
    build.onResolve({ filter: /^recorder$/ }, ({ path }) => ({ path, namespace: NAMESPACE }))
    build.onResolve({ filter: /^ajv$/ }, ({ importer }) =>
      isEnvSchema(importer) ? { path: 'recorder', namespace: NAMESPACE } : undefined,
    )
    build.onLoad({ filter: /^recorder$/, namespace: NAMESPACE }, () => ({
      contents: RECORDER,
      resolveDir: join(root, 'node_modules/env-schema'),
    }))
  }
}

function isEnvSchema(importer: string): boolean {
  return importer.includes(join('node_modules', 'env-schema', '/'))
}

/** What an instance is asked to compile, with the options that it has by then: env-schema lets its callers change them. */
const KEY_OF = `const { hash } = require('node:crypto')
const keyOf = (names, opts, schema) => hash('sha256', JSON.stringify([names.map((name) => [name, opts[name]]), schema]))
`

const RECORDER = `${KEY_OF}
const Ajv = require('ajv')
const standalone = require('ajv/dist/standalone').default
exports = module.exports = class extends Ajv {
  constructor(given) {
    super({ ...given, code: { source: true } })
    this.names = Object.keys(given)
  }
  compile(schema, isMeta) {
    const validate = super.compile(schema, isMeta)
    // ajv's own, of a keyword.
    if (isMeta) return validate
    const key = keyOf(this.names, this.opts, schema)
    exports.validators.push({ key, source: standalone(this, validate) })
    return validate
  }
}
exports.validators = []
`

/** As much of ajv as env-schema uses. */
function compiledAjv(validators: readonly Validator[]): string {
  const entries = validators.map(({ key }, index) => `['${key}', () => require('validator:${index}')]`)
  return `${KEY_OF}
const VALIDATORS = new Map([${entries.join(', ')}])
module.exports = class {
  errors = null
  constructor(given) {
    this.opts = { ...given }
    this.names = Object.keys(given)
  }
  addVocabulary() {
    return this
  }
  compile(schema) {
    const load = VALIDATORS.get(keyOf(this.names, this.opts, schema))
    if (load === undefined) throw new Error('this schema was not compiled when the program was bundled')
    return load()
  }
  validate(schema, data) {
    const validate = this.compile(schema)
    const isValid = validate(data)
    this.errors = validate.errors
    return isValid
  }
  errorsText(errors, { dataVar }) {
    return (errors ?? []).map(({ instancePath, message }) => dataVar + instancePath + ' ' + message).join(', ')
  }
}
`
}
