import { readFile, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build as runEsbuild, type Metafile, type Plugin } from 'esbuild'

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
    // Not minified: a stack trace can be read, and it starts no faster (see docs/ship.md).
    metafile: true,
    logLevel: 'warning',
    plugins: [versionOnly(resolve(root, 'package.json'))],
  })
  return metafile
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
