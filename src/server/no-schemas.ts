import type { FastifyServerOptions } from 'fastify'

function refuse(): never {
  throw new Error('no route has a schema: nothing is loaded that would compile one')
}

/** For Fastify's `schemaController`: otherwise each start loads a second ajv and fast-json-stringify, 400 kB, for schemas that no route has. */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
}
