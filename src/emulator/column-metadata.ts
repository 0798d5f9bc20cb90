import type { FieldType } from './schema-types.ts'
import type { QueryResult } from './soql.ts'
import type { Column } from './soql-select.ts'

const APEX_TYPES: Partial<Record<FieldType, string>> = {
  id: 'Id',
  reference: 'Id',
  boolean: 'Boolean',
  int: 'Integer',
  double: 'Double',
  currency: 'Double',
  date: 'Date',
  datetime: 'Datetime',
}

/** The answer to `query?columns=true`: what the columns are, without a record. */
export function columnMetadata({ type, columns, isGrouped }: QueryResult): object {
  return {
    columnMetadata: columns.map(describe),
    entityName: type.name,
    groupBy: isGrouped,
    idSelected: columns.some((column) => column.name === 'Id'),
    keyPrefix: type.keyPrefix,
  }
}

function describe({ name, field, join, isAggregate = false }: Column): object {
  const apexType = field && (APEX_TYPES[field.type] ?? 'String')
  return {
    aggregate: isAggregate,
    apexType: apexType ?? null,
    booleanType: apexType === 'Boolean',
    columnName: name,
    custom: name.endsWith('__c') || name.endsWith('__r'),
    displayName: name,
    foreignKeyName: field?.reference?.relationship ?? null,
    insertable: field !== undefined && !field.readOnly,
    joinColumns: join === undefined ? [] : [...join.columns.values()].map(describe),
    numberType: apexType === 'Integer' || apexType === 'Double',
    textType: apexType === 'String' || apexType === 'Id',
    updatable: field !== undefined && !field.readOnly,
  }
}
