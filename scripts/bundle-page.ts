import { copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import type { Metafile } from 'esbuild'
import { OF_LIBRARIES } from '../src/page/page-files.ts'

/** The files of the status page, as they are; those of libraries count as what is bundled does. */
export async function copyPage(root: string, outdir: string): Promise<Metafile['outputs']> {
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
