import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build as runEsbuild, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import { copyPage } from './bundle-page.ts'
import { builtinsWithoutImport, laterBuiltins } from './builtins.ts'
import { leftOut } from './left-out.ts'
import { clientOnly, ON_DEMAND, onDemand } from './on-demand.ts'
import { settingsAhead } from './settings-ahead.ts'

/** Where the program begins, in the output folder. `.mjs`: it runs without a package.json beside it. */
export const ENTRY = 'main.mjs'

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Without comments, for V8 keeps the text in memory, in two bytes a character where a comment has a typographic quote: 7 MiB less.
  // Names and lines stay, so a stack trace can be read; the notices of the libraries are in THIRD-PARTY-NOTICES.txt.
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'none',
  charset: 'ascii',
  metafile: true,
  logLevel: 'warning',
} as const

/** A file that is a function, for `kept-code.ts` to compile; its `import.meta.url` is made of what that is given. */
const FUNCTION = {
  format: 'cjs',
  banner: {
    js: `(function (exports, require, module, __filename) { 'use strict'; const __url = require('node:url').pathToFileURL(__filename).href;`,
  },
  footer: { js: '})' },
  define: {
    'import.meta.url': '__url',
    // undici's second parser of HTTP/1.1 is an experiment: left out, as in Node's own undici.
    esbuildDetection: 'true',
  },
  // A script that is compiled by itself has no `import()`.
  supported: { 'dynamic-import': false },
} as const

/**
 * Bundles the program of the folder `root` and all its libraries into `outdir`: `main.mjs`, which loads `program.cjs` or `client.cjs`,
 * which load the rest on demand. Few and large, so that what V8 compiled of one can be kept as one. Answers esbuild's account of what
 * went into which file.
 */
export async function bundle({ root, outdir }: { root: string; outdir: string }): Promise<Metafile> {
  await rm(outdir, { recursive: true, force: true })
  const build = (name: string, options: BuildOptions) =>
    runEsbuild({ ...COMMON, absWorkingDir: root, outfile: join(outdir, name), ...options, metafile: true })
  const plugins = [
    versionOnly(resolve(root, 'package.json')),
    onDemand(),
    leftOut(root),
    laterBuiltins(),
    await settingsAhead(root),
  ]
  const start = { ...FUNCTION, entryPoints: ['src/cli/start.ts'] }
  const loaded = await Promise.all([
    build('program.cjs', { ...start, plugins }),
    build('client.cjs', { ...start, plugins: [clientOnly(), ...plugins] }),
    ...ON_DEMAND.map(({ name, contents }) =>
      build(`${name}.cjs`, { format: 'cjs', stdin: { contents, resolveDir: root, loader: 'ts' } }),
    ),
  ])
  const main = await build(ENTRY, {
    format: 'esm',
    entryPoints: ['src/main.ts'],
    define: { PROGRAM_DIGEST: JSON.stringify(await digestOf(join(outdir, 'program.cjs'))) },
    plugins: [loadKept(root), builtinsWithoutImport()],
  })
  const metafiles = [...loaded, main].map(({ metafile }) => metafile)
  const page = await copyPage(root, join(outdir, 'static'))
  return {
    inputs: Object.assign({}, ...metafiles.map(({ inputs }) => inputs)) as Metafile['inputs'],
    outputs: Object.assign(page, ...metafiles.map(({ outputs }) => outputs)) as Metafile['outputs'],
  }
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

/** In the bundle the program is not loaded from its sources. */
function loadKept(root: string): Plugin {
  return {
    name: 'load-kept',
    setup: (build) => {
      build.onResolve({ filter: /\/load-start\.ts$/ }, () => ({ path: join(root, 'src/cli/load-kept-start.ts') }))
    },
  }
}

/** Of its package.json the program wants the version; the rest, development tools and all, need not travel along. */
function versionOnly(manifest: string): Plugin {
  return {
    name: 'version-only',
    setup: (build) => {
      build.onLoad({ filter: /package\.json$/ }, async ({ path }) => {
        if (path !== manifest) return undefined
        const { version } = JSON.parse(await readFile(path, 'utf8')) as { version: string }
        return { contents: JSON.stringify({ version }), loader: 'json' }
      })
    },
  }
}
