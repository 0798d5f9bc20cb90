/** `npm run build`: the program as it is shipped, in dist/, with its bill of materials and the notices of the libraries inside. */
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundle } from './bundle.ts'
import { bundledComponents, thirdPartyNotices } from './components.ts'
import { billOfMaterials } from './sbom.ts'

const root = resolve(import.meta.dirname, '..')
const outdir = join(root, 'dist')

const components = await bundledComponents(root, await bundle({ root, outdir }))
const product = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Parameters<typeof billOfMaterials>[0]
await writeFile(join(outdir, 'sbom.json'), billOfMaterials(product, components))
await writeFile(join(outdir, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(components))
