import { ApiError } from '../api-error.ts'
import { OBJECT_TYPES } from '../cmdb-schema.ts'
import { createdAt, dateTime } from '../cmdb-data.ts'
import type { Org } from '../org.ts'
import { recordId } from '../record-id.ts'
import { textOf } from '../xml.ts'
import type { SoapRequest } from './soap-message.ts'

const TYPES = [
  { directoryName: 'objects', inFolder: false, metaFile: false, suffix: 'object', xmlName: 'CustomObject' },
  { directoryName: 'classes', inFolder: false, metaFile: true, suffix: 'cls', xmlName: 'ApexClass' },
  { directoryName: 'layouts', inFolder: false, metaFile: false, suffix: 'layout', xmlName: 'Layout' },
]

const CHILDREN = ['CustomField', 'ListView', 'ValidationRule', 'WebLink']

export function describeMetadata(): object[] {
  const metadataObjects = TYPES.map((type) => ({
    ...(type.xmlName === 'CustomObject' ? { childXmlNames: CHILDREN } : {}),
    ...type,
  }))
  return [{ metadataObjects, organizationNamespace: '', partialSaveAllowed: true, testRequired: false }]
}

/** The components of up to three types; the emulated org has custom objects and their fields. */
export function listMetadata(org: Org, { operation }: SoapRequest): object[] {
  const queries = operation.children.filter((child) => child.name === 'queries')
  if (queries.length > 3) {
    throw new ApiError(500, 'EXCEEDED_MAX_TYPES_LIMIT', 'The maximum number of queries is 3')
  }
  return queries.flatMap((query) => components(org, textOf(query, 'type') ?? ''))
}

function components(org: Org, type: string): object[] {
  if (type === 'CustomObject') {
    return OBJECT_TYPES.map(({ name }, index) => ({
      ...properties(org, { name, type, index, prefix: '01I' }),
      fileName: `objects/${name}.object`,
      fullName: name,
    }))
  }
  if (type === 'CustomField') {
    const fields = OBJECT_TYPES.flatMap((object) =>
      object.fields.filter(({ name }) => name.endsWith('__c')).map((field) => ({ object, field })),
    )
    return fields.map(({ object, field }, index) => ({
      ...properties(org, { name: field.name, type, index, prefix: '00N' }),
      fileName: `objects/${object.name}.object`,
      fullName: `${object.name}.${field.name}`,
    }))
  }
  if (CHILDREN.includes(type) || TYPES.some(({ xmlName }) => xmlName === type)) return []
  throw new ApiError(500, 'INVALID_TYPE', `Unknown type:${type}`)
}

interface Component {
  name: string
  type: string
  index: number
  prefix: string
}

function properties({ state }: Org, { name, type, index, prefix }: Component): object {
  const stamp = dateTime(createdAt(0, 1)).replace('+0000', 'Z')
  const by = { createdById: state.userId, createdByName: 'Integration User' }
  const isManaged = name.startsWith('CA10__')
  return {
    ...by,
    createdDate: stamp,
    id: recordId(prefix, index),
    lastModifiedById: by.createdById,
    lastModifiedByName: by.createdByName,
    lastModifiedDate: stamp,
    ...(isManaged ? { manageableState: 'installed', namespacePrefix: 'CA10' } : {}),
    type,
  }
}
