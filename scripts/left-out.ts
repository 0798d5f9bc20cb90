import { join } from 'node:path'
import type { Plugin } from 'esbuild'

/** The parts of undici that this program or reply-from names, each with the file of undici's that it comes from. */
const OF_UNDICI = {
  Agent: 'dispatcher/agent',
  Client: 'dispatcher/client',
  Dispatcher: 'dispatcher/dispatcher',
  Pool: 'dispatcher/pool',
  buildConnector: 'core/connect',
}

/** What libraries load and this program never comes to: upgrades are refused, no route has a schema, and no request is injected. */
const NEVER_USED = [
  { name: 'ws', by: '@fastify/http-proxy' },
  { name: 'light-my-request', by: 'fastify' },
  { name: '@fastify/ajv-compiler', by: 'fastify' },
  { name: '@fastify/fast-json-stringify-compiler', by: 'fastify' },
]

/**
 * Leaves out of the bundle what would only be read and evaluated at each start: fetch, WebSockets, caches and mocks of undici, and
 * `NEVER_USED`, which says so should it be used after all. reply-from's own, older undici becomes the program's as well: its requests
 * are never made (see `mountProxy`).
 */
export function leftOut(root: string): Plugin {
  return {
    name: 'left-out',
    setup: (build) => {
      build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'in-part' }))
      build.onLoad({ filter: /^undici$/, namespace: 'in-part' }, () => ({ contents: undiciInPart(), resolveDir: root }))
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) =>
        NEVER_USED.some(({ name, by }) => name === path && importer.includes(join('node_modules', by, '/')))
          ? { path, namespace: 'never-used' }
          : undefined,
      )
      build.onLoad({ filter: /./, namespace: 'never-used' }, ({ path }) => ({ contents: neverUsed(path) }))
    },
  }
}

/** As an ES module, so that esbuild refuses a name that is missing here. */
function undiciInPart(): string {
  const members = Object.entries(OF_UNDICI)
  return [
    ...members.map(([name, file]) => `import ${name} from 'undici/lib/${file}.js'`),
    "import api from 'undici/lib/api/index.js'",
    // As undici's own index does it.
    'Object.assign(Dispatcher.prototype, api)',
    `export { ${members.map(([name]) => name).join(', ')} }`,
  ].join('\n')
}

function neverUsed(name: string): string {
  const message = JSON.stringify(`${name} is left out of this program`)
  return `const fail = () => { throw new Error(${message}) }
module.exports = new Proxy(function () {}, { apply: fail, construct: fail, get: fail })`
}
