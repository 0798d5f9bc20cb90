import { childRelationships, OBJECT_TYPES } from './cmdb-schema.ts'
import type { Field, FieldType, ObjectType } from './schema-types.ts'

/** The answer to `/sobjects`: the objects that the user may see. */
export function describeGlobal(base: string, isVisible: (type: ObjectType) => boolean = () => true): object {
  const sobjects = OBJECT_TYPES.filter(isVisible).map((type) => summary(type, base))
  return { encoding: 'UTF-8', maxBatchSize: 200, sobjects }
}

/** The answer to `/sobjects/Object`. */
export function basicInfo(type: ObjectType, base: string): object {
  return { objectDescribe: summary(type, base), recentItems: [] }
}

function summary(type: ObjectType, base: string): object {
  const url = `${base}/sobjects/${type.name}`
  const isWritable = !type.readOnly
  return {
    activateable: false,
    createable: isWritable,
    custom: type.name.endsWith('__c'),
    customSetting: false,
    deletable: isWritable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    hasSubtypes: false,
    isInterface: false,
    isSubtype: false,
    keyPrefix: type.keyPrefix,
    label: type.label,
    labelPlural: type.labelPlural,
    layoutable: true,
    mergeable: false,
    mruEnabled: true,
    name: type.name,
    queryable: true,
    replicateable: true,
    retrieveable: true,
    searchable: true,
    triggerable: true,
    undeletable: isWritable,
    updateable: isWritable,
    urls: { rowTemplate: `${url}/{ID}`, describe: `${url}/describe`, sobject: url },
  }
}

/** The answer to `/sobjects/Object/describe`. The `ui…` addresses are absolute, as on the real platform. */
export function describeObject(type: ObjectType, base: string, origin: string): object {
  const brief = summary(type, base)
  const url = `${base}/sobjects/${type.name}`
  return {
    ...brief,
    actionOverrides: [],
    childRelationships: childRelationships(type).map(({ name, child, field }) => ({
      cascadeDelete: false,
      childSObject: child.name,
      deprecatedAndHidden: false,
      field: field.name,
      junctionIdListNames: [],
      junctionReferenceTo: [],
      relationshipName: name,
      restrictedDelete: false,
    })),
    compactLayoutable: true,
    fields: type.fields.map(describeField),
    namedLayoutInfos: [],
    networkScopeFieldName: null,
    recordTypeInfos: [],
    searchLayoutable: true,
    supportedScopes: [{ label: 'All records', name: 'everything' }],
    urls: {
      compactLayouts: `${url}/describe/compactLayouts`,
      rowTemplate: `${url}/{ID}`,
      describe: `${url}/describe`,
      layouts: `${url}/describe/layouts`,
      sobject: url,
      uiDetailTemplate: `${origin}/{ID}`,
      uiEditTemplate: `${origin}/{ID}/e`,
      uiNewRecord: `${origin}/${type.keyPrefix}/e`,
    },
  }
}

const SOAP_TYPES: Partial<Record<FieldType, string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
}

function describeField(field: Field): object {
  const isWritable = !field.readOnly
  const isNumber = ['int', 'double', 'currency'].includes(field.type)
  const isText = ['string', 'textarea', 'picklist', 'multipicklist'].includes(field.type)
  return {
    aggregatable: field.type !== 'textarea' && field.type !== 'multipicklist',
    autoNumber: false,
    byteLength: isText ? (field.length ?? 255) * 3 : field.type === 'id' || field.type === 'reference' ? 18 : 0,
    calculated: false,
    caseSensitive: false,
    createable: isWritable,
    custom: field.name.endsWith('__c'),
    defaultValue: field.type === 'boolean' ? false : null,
    defaultedOnCreate: field.readOnly ?? false,
    digits: field.type === 'int' ? 18 : 0,
    externalId: field.externalId ?? false,
    filterable: field.type !== 'textarea',
    groupable: isText || field.type === 'reference' || field.type === 'boolean',
    idLookup: field.type === 'id' || (field.externalId ?? false),
    inlineHelpText: null,
    label: field.label,
    length: isText ? (field.length ?? 255) : field.type === 'id' || field.type === 'reference' ? 18 : 0,
    name: field.name,
    nameField: field.name === 'Name',
    nillable: !field.required && isWritable,
    permissionable: field.name.endsWith('__c'),
    picklistValues: (field.picklist ?? []).map((value) => ({
      active: true,
      defaultValue: false,
      label: value,
      validFor: null,
      value,
    })),
    precision: isNumber ? 18 : 0,
    referenceTo: field.reference === undefined ? [] : [field.reference.to],
    relationshipName: field.reference?.relationship ?? null,
    restrictedPicklist: false,
    scale: field.type === 'currency' ? 2 : 0,
    soapType: SOAP_TYPES[field.type] ?? 'xsd:string',
    sortable: field.type !== 'textarea',
    type: field.type,
    unique: field.externalId ?? false,
    updateable: isWritable,
  }
}
