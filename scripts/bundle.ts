import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { build as runEsbuild, type Metafile, type Plugin } from 'esbuild'
import { OF_LIBRARIES } from '../src/page/page-files.ts'
import { leftOut } from './left-out.ts'
import { settingsAhead } from './settings-ahead.ts'

/** Where the program begins, in the output folder. `.mjs`: it runs without a package.json beside it. */
export const ENTRY = 'main.mjs'

/** CommonJS libraries inside an ES module still ask for Node's own modules by `require`. */
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`

/**
 * Bundles the program of the folder `root` and all its libraries into `outdir`; what is loaded on demand becomes a file of its own.
 * Answers esbuild's account of what went into which file.
 */
export async function bundle({ root, outdir }: { root: string; outdir: string }): Promise<Metafile> {
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await runEsbuild({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: REQUIRE },
    // Without comments, for V8 keeps the text in memory, in two bytes a character where a comment has a typographic quote: 7 MiB less.
    // Names and lines stay, so a stack trace can be read; the notices of the libraries are in THIRD-PARTY-NOTICES.txt.
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
    charset: 'ascii',
    // undici's second parser of HTTP/1.1 is an experiment that only a setting of its own turns on; as in Node's own undici it is left out.
    define: { esbuildDetection: 'true' },
    metafile: true,
    logLevel: 'warning',
    plugins: [versionOnly(resolve(root, 'package.json')), leftOut(root), await settingsAhead(root)],
  })
  const page = await copyPage(root, join(outdir, 'static'))
  return { ...metafile, outputs: { ...metafile.outputs, ...page } }
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
