import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly {
      readonly functionName: string
      readonly ranges: readonly { readonly count: number }[]
    }[]
  }[]
}

/** The modules inside of a bundled file that were evaluated: to esbuild each is a function by the module's name, and NODE_V8_COVERAGE has counted. */
export async function evaluatedModules(folder: string, file: string): Promise<string[]> {
  const reports = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
  return reports
    .flatMap((report) => (JSON.parse(report) as Coverage).result)
    .filter(({ url }) => url.endsWith(`/${file}`))
    .flatMap(({ functions }) => functions)
    .filter(({ functionName, ranges }) => functionName.includes('/') && (ranges[0]?.count ?? 0) > 0)
    .map(({ functionName }) => functionName)
}
