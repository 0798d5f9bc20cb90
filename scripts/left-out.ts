import { join } from 'node:path'
import type { Plugin } from 'esbuild'

/** Libraries of which only some parts are named, by this program or another library: each part's own file. */
const IN_PART: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  undici: {
    Agent: 'lib/dispatcher/agent.js',
    Client: 'lib/dispatcher/client.js',
    Dispatcher: 'lib/dispatcher/dispatcher.js',
    Pool: 'lib/dispatcher/pool.js',
    buildConnector: 'lib/core/connect.js',
    api: 'lib/api/index.js',
    errors: 'lib/core/errors.js',
  },
}

/** What a library's index does besides. */
const BESIDES: Readonly<Record<string, string>> = { undici: 'Object.assign(Dispatcher.prototype, api)' }

/**
 * What libraries load and this program never comes to: upgrades are refused, no route has a schema, no request is injected, lines are
 * written by this thread, and HTTP/2 is spoken on neither side.
 */
const NEVER_USED = [
  { name: 'ws', by: '@fastify/http-proxy' },
  { name: 'light-my-request', by: 'fastify' },
  { name: '@fastify/ajv-compiler', by: 'fastify' },
  { name: '@fastify/fast-json-stringify-compiler', by: 'fastify' },
  { name: 'thread-stream', by: 'pino' },
  { name: './client-h2.js', by: 'undici' },
  { name: 'node:http2', by: 'fastify' },
  // It asks whether a plugin is made for this version of Fastify. What is bundled together runs from the sources too, where it is asked.
  { name: 'semver', by: 'fastify', but: 'satisfies: () => true' },
  // The one thing that is read at once.
  { name: 'node:http2', by: '@fastify/reply-from', but: 'constants: { NGHTTP2_CANCEL: 8 }' },
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
      build.onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: 'in-part' }))
      build.onLoad({ filter: /./, namespace: 'in-part' }, ({ path }) => ({ contents: inPart(path), resolveDir: root }))
      build.onResolve({ filter: /./ }, ({ path, importer }) => {
        const found = NEVER_USED.find(
          ({ name, by }) => name === path && importer.includes(join('node_modules', by, '/')),
        )
        return found && { path: `${path} for ${found.by}`, namespace: 'never-used', pluginData: found.but }
      })
      build.onLoad({ filter: /./, namespace: 'never-used' }, ({ path, pluginData: but }) => ({
        contents: neverUsed(path, typeof but === 'string' ? but : ''),
      }))
    },
  }
}

/** As an ES module, so that esbuild refuses a name that is missing here. */
function inPart(library: string): string {
  const parts = Object.entries(IN_PART[library] ?? {})
  return [
    ...parts.map(([name, file]) => `import ${name} from '${library}/${file}'`),
    BESIDES[library] ?? '',
    `export { ${parts.map(([name]) => name).join(', ')} }`,
  ].join('\n')
}

function neverUsed(name: string, but: string): string {
  const message = JSON.stringify(`${name} is left out of this program`)
  return `const fail = () => { throw new Error(${message}) }
module.exports = new Proxy(Object.assign(function () {}, { ${but} }), {
  apply: fail,
  construct: fail,
  get: (target, name) => Object.hasOwn(target, name) ? target[name] : fail(),
})`
}
