import { createRequire } from 'node:module'
import type { Plugin } from 'esbuild'

const require = createRequire(import.meta.url)

/** What is large, and loaded by Node only where it is asked for: with zlib it is 16 modules and 2 ms. */
const LATER = /^node:zlib$/

/** Has these of Node's own modules loaded when a name of theirs is first used. */
export function laterBuiltins(): Plugin {
  return builtinsLater('require', LATER)
}

/**
 * The same of all, and without an import: from an ES module that reads every name they export, and some of those load much
 * (`fs.promises`, `crypto.webcrypto`): 5 ms. What runs on a Node too old for this program names `process` alone.
 */
export function builtinsWithoutImport(): Plugin {
  return builtinsLater('process.getBuiltinModule', /^node:/)
}

function builtinsLater(load: string, filter: RegExp): Plugin {
  const namespace = 'later'
  return {
    name: 'builtins-later',
    setup: (build) => {
      build.onResolve({ filter }, ({ path, namespace: asking }) =>
        asking === namespace ? undefined : { path, namespace },
      )
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({
        contents: path === 'node:process' ? 'module.exports = process' : gettersOf(path, load),
      }))
    },
  }
}

function gettersOf(name: string, load: string): string {
  const names = Object.keys(require(name) as object)
  return `module.exports = { ${names.map((key) => `get ${key}() { return ${load}('${name}').${key} }`).join(', ')} }`
}
