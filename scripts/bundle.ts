import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { build as runEsbuild, type Metafile, type Plugin } from 'esbuild'
import { OF_LIBRARIES } from '../src/page/page-files.ts'
import { builtinsWithoutImport, laterBuiltins } from './builtins.ts'
import { leftOut } from './left-out.ts'
import { settingsAhead } from './settings-ahead.ts'

/** Where the program begins, in the output folder. `.mjs`: it runs without a package.json beside it. */
export const ENTRY = 'main.mjs'
/** All that most starts come to. */
const PROGRAM = 'program.cjs'

/** What few starts come to, and is large: a file each, loaded when it is asked for. By what is imported. */
const ON_DEMAND: readonly { readonly name: string; readonly imported: RegExp; readonly contents: string }[] = [
  { name: 'emulator', imported: /\/emulator\/emulator\.ts$/, contents: "export * from './src/emulator/emulator.ts'" },
  { name: 'ioredis', imported: /^ioredis$/, contents: "export * from 'ioredis'" },
  { name: 'prom-client', imported: /^prom-client$/, contents: "export * from 'prom-client'" },
  { name: 'selfsigned', imported: /^selfsigned$/, contents: "export * from 'selfsigned'" },
  {
    name: 'typebox',
    imported: /^typebox(?:\/value)?$/,
    contents: "export { Type } from 'typebox'\nexport { Check } from 'typebox/value'",
  },
]

/** The program's own file is a function, for `kept-code.ts` to compile; its `import.meta.url` is made of what that is given. */
const FUNCTION = {
  banner: `(function (exports, require, module, __filename) { 'use strict'; const __url = require('node:url').pathToFileURL(__filename).href;`,
  footer: '})',
}

/**
 * Bundles the program of the folder `root` and all its libraries into `outdir`: `main.mjs`, which loads `program.cjs`, which loads the rest
 * on demand. One large file, so that what V8 compiled of it can be kept as one. Answers esbuild's account of what went into which file.
 */
export async function bundle({ root, outdir }: { root: string; outdir: string }): Promise<Metafile> {
  await rm(outdir, { recursive: true, force: true })
  const common = {
    absWorkingDir: root,
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
    write: true,
  } as const
  const program = await runEsbuild({
    ...common,
    format: 'cjs',
    entryPoints: ['src/cli/start.ts'],
    outfile: join(outdir, PROGRAM),
    banner: { js: FUNCTION.banner },
    footer: { js: FUNCTION.footer },
    define: {
      'import.meta.url': '__url',
      // undici's second parser of HTTP/1.1 is an experiment: left out, as in Node's own undici.
      esbuildDetection: 'true',
    },
    // A script that is compiled by itself has no `import()`.
    supported: { 'dynamic-import': false },
    plugins: [
      versionOnly(resolve(root, 'package.json')),
      onDemand(),
      leftOut(root),
      laterBuiltins(),
      await settingsAhead(root),
    ],
  })
  const demanded = await Promise.all(
    ON_DEMAND.map(({ name, contents }) =>
      runEsbuild({
        ...common,
        format: 'cjs',
        stdin: { contents, resolveDir: root, loader: 'ts' },
        outfile: join(outdir, `${name}.cjs`),
      }),
    ),
  )
  const digest = createHash('sha256').update(await readFile(join(outdir, PROGRAM)))
  const main = await runEsbuild({
    ...common,
    format: 'esm',
    entryPoints: ['src/main.ts'],
    outfile: join(outdir, ENTRY),
    define: { PROGRAM_DIGEST: JSON.stringify(digest.digest('hex')) },
    plugins: [loadKept(root), builtinsWithoutImport()],
  })
  const page = await copyPage(root, join(outdir, 'static'))
  const built = [program, ...demanded, main].map(({ metafile }) => metafile)
  return {
    inputs: Object.assign({}, ...built.map(({ inputs }) => inputs)) as Metafile['inputs'],
    outputs: Object.assign(page, ...built.map(({ outputs }) => outputs)) as Metafile['outputs'],
  }
}

function onDemand(): Plugin {
  return {
    name: 'on-demand',
    setup: (build) => {
      build.onResolve({ filter: /./ }, ({ path, importer }) => {
        if (importer.includes('node_modules')) return undefined
        const found = ON_DEMAND.find(({ imported }) => imported.test(path))
        return found && { path: `./${found.name}.cjs`, external: true }
      })
    },
  }
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

/** The files of the status page, as they are; those of libraries count as what is bundled does. */
async function copyPage(root: string, outdir: string): Promise<Metafile['outputs']> {
  await mkdir(outdir, { recursive: true })
  const folder = join(root, 'src/page/static')
  const own = (await readdir(folder)).filter((name) => /\.(?:html|css|js|svg)$/.test(name))
  const library = createRequire(join(root, 'package.json'))
  const sources = [
    ...own.map((name) => [name, join(folder, name)] as const),
    ...Object.entries(OF_LIBRARIES).map(([name, path]) => [name, library.resolve(path)] as const),
  ]
  const copied = sources.map(async ([name, source]) => {
    await copyFile(source, join(outdir, name))
    const bytes = (await stat(source)).size
    const inputs = { [relative(root, source)]: { bytesInOutput: bytes } }
    const output: Metafile['outputs'][string] = { bytes, inputs, imports: [], exports: [] }
    return [`static/${name}`, output] as const
  })
  return Object.fromEntries(await Promise.all(copied))
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
