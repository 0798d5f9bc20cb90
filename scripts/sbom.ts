import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import type { BundledComponent } from './components.ts'

/** The CycloneDX bill of materials of the bundle. It has no time and no serial number: the same sources give the same bytes. */
export function billOfMaterials(
  product: { readonly name: string; readonly version: string; readonly license: string },
  components: readonly BundledComponent[],
): string {
  const bom = new Models.Bom()
  const application = new Models.Component(Enums.ComponentType.Application, product.name, describe(product))
  bom.metadata.component = application
  for (const component of components) {
    const library = new Models.Component(Enums.ComponentType.Library, component.name, describe(component))
    bom.components.add(library)
    application.dependencies.add(library.bomRef)
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6))
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`
}

type Described = Pick<BundledComponent, 'name' | 'version' | 'license'> & Partial<BundledComponent>

function describe({ name, version, license, integrity }: Described): Models.OptionalComponentProperties {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    bomRef: purl,
    purl,
    version,
    licenses: new Models.LicenseRepository([
      /[ ()]/.test(license) ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license),
    ]),
    hashes: new Models.HashDictionary(integrity === undefined ? [] : [sha512(integrity)]),
  }
}

function sha512(integrity: string): [Enums.HashAlgorithm, string] {
  return [Enums.HashAlgorithm['SHA-512'], Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')]
}
