import zlib from 'node:zlib'
import type { Plugin } from 'esbuild'

/** What Node loads only where it is asked for: with zlib it is 16 modules and 2 ms. */
const LATER: Readonly<Record<string, object>> = { 'node:zlib': zlib }

/** Loads some of Node's own modules when a name of theirs is first used. */
export function laterBuiltins(): Plugin {
  return {
    name: 'later-builtins',
    setup: (build) => {
      build.onResolve({ filter: /^node:/ }, ({ path, namespace }) =>
        path in LATER && namespace !== 'later' ? { path, namespace: 'later' } : undefined,
      )
      build.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({ contents: later(path, LATER[path] ?? {}) }))
    },
  }
}

function later(name: string, values: object): string {
  const members = Object.keys(values).map((key) => `get ${key}() { return require('${name}').${key} }`)
  return `module.exports = { ${members.join(', ')} }`
}

/**
 * Node's own modules without an import: from an ES module that reads every name they export, and some of those load much
 * (`fs.promises`, `crypto.webcrypto`): 5 ms. What runs on a Node too old for this program names `process` alone.
 */
export function builtinsWithoutImport(): Plugin {
  return {
    name: 'builtins-without-import',
    setup: (build) => {
      build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }))
      build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = ${path === 'node:process' ? 'process' : `process.getBuiltinModule('${path}')`}`,
      }))
    },
  }
}
