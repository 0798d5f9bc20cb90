import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** A library whose code is in the bundle. */
export interface BundledComponent {
  readonly name: string
  readonly version: string
  /** SPDX expression, as its package.json has it. */
  readonly license: string
  /** Subresource integrity of its archive, from package-lock.json: `sha512-…`. */
  readonly integrity: string | undefined
  /** Its licence files, one after the other. */
  readonly notice: string
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string }>>
}

/** The libraries that really ended up in the bundle, by name and version; what was installed but not used is not among them. */
export async function bundledComponents(root: string, { outputs }: Metafile): Promise<BundledComponent[]> {
  const folders = new Set(
    Object.values(outputs)
      .flatMap(({ inputs }) => Object.entries(inputs))
      .flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? packageFolder(path) : [])),
  )
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock
  const components = await Promise.all([...folders].map((folder) => describe(root, folder, lock)))
  // The same version may be installed at two places.
  const byId = new Map(components.map((component) => [`${component.name}@${component.version}`, component]))
  return [...byId].sort(([a], [b]) => order(a, b)).map(([, component]) => component)
}

/** `node_modules/a/node_modules/@b/c` of `node_modules/a/node_modules/@b/c/lib/d.js`; none for a file of our own. */
function packageFolder(path: string): string[] {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.slice(0, 1) ?? []
}

async function describe(root: string, folder: string, lock: Lock): Promise<BundledComponent> {
  const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest
  const files = (await readdir(join(root, folder))).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')))
  return {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license ?? 'NOASSERTION',
    integrity: lock.packages[folder]?.integrity,
    notice: texts.map((text) => text.trim()).join('\n\n'),
  }
}

/** Independent of the machine's language, unlike localeCompare. */
function order(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** What the libraries' licences ask to be passed on with their code. */
export function thirdPartyNotices(components: readonly BundledComponent[]): string {
  const parts = components.map(
    ({ name, version, license, notice }) =>
      `${name} ${version} (${license})\n\n${notice || 'Its package has no licence file.'}`,
  )
  return `cloudaware-proxy contains the following libraries.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
