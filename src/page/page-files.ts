import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Files of a library. In a checkout they are where npm put them, in the package beside the others. */
export const OF_LIBRARIES: Readonly<Record<string, string>> = {
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}

/** The files of the status page, read when first asked for. In the bundle, too, they stand in `static/` beside this module. */
export function pageFiles(): (name: string) => Promise<{ type: string; bytes: Buffer } | undefined> {
  const loaded = new Map<string, Promise<Buffer | undefined>>()
  return async (name) => {
    const type = TYPES[extname(name)]
    // A plain name: no folder, nothing hidden.
    if (type === undefined || !/^[a-z\d][a-z\d.-]*$/.test(name)) return undefined
    const known = loaded.get(name) ?? load(name)
    const bytes = await known
    if (bytes === undefined) return undefined
    loaded.set(name, known)
    return { type, bytes }
  }
}

async function load(name: string): Promise<Buffer | undefined> {
  const own = await readFile(new URL(`./static/${name}`, import.meta.url)).catch(() => undefined)
  const library = OF_LIBRARIES[name]
  if (own !== undefined || library === undefined) return own
  return readFile(createRequire(import.meta.url).resolve(library))
}
