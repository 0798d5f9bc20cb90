export type Value = string | number | boolean | null

/** A record by canonical field names. `Id` and `IsDeleted` are always there. */
export type Row = Record<string, Value>

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'picklist'
  | 'multipicklist'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'date'
  | 'datetime'
  | 'reference'

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: FieldType
  readonly length?: number
  readonly required?: boolean
  /** Unique, and usable in `/sobjects/Object/Field/value`. */
  readonly externalId?: boolean
  /** Set by the platform: refused in POST and PATCH. */
  readonly readOnly?: boolean
  readonly picklist?: readonly string[]
  readonly reference?: { to: string; relationship: string; children?: string }
}

export interface ObjectType {
  readonly name: string
  readonly label: string
  readonly labelPlural: string
  readonly keyPrefix: string
  readonly fields: readonly Field[]
  /** A standard object that clients may only read. */
  readonly readOnly?: boolean
}

type Extra = Omit<Field, 'name' | 'label' | 'type'>

const ACRONYMS = /\b(id|vpc|ip|ebs|vm|iops|cidr|aws|os|url|cpu|gib)\b/gi

/** A field of the type; its label is read off its name: `CA10__vpcSubnet__c` is `VPC Subnet`. */
export function field(name: string, type: FieldType, extra: Extra = {}): Field {
  const words = name.replace(/^CA10__|__c$/g, '').replace(/([a-z0-9])([A-Z])/g, '$1 $2')
  const label = (words.charAt(0).toUpperCase() + words.slice(1)).replace(ACRONYMS, (word) => word.toUpperCase())
  return { name, label, type, ...(type === 'string' ? { length: 255 } : {}), ...extra }
}

export const lookup = (name: string, to: string, children?: string): Field =>
  field(name, 'reference', {
    reference: {
      to,
      relationship: name.endsWith('__c') ? name.replace(/__c$/, '__r') : name.replace(/Id$/, ''),
      ...(children === undefined ? {} : { children }),
    },
  })

/** The fields that the platform keeps on every object. */
export function systemFields(): Field[] {
  const user = (name: string) => ({ ...lookup(name, 'User'), readOnly: true })
  return [
    field('CreatedDate', 'datetime', { readOnly: true }),
    user('CreatedById'),
    field('LastModifiedDate', 'datetime', { readOnly: true }),
    user('LastModifiedById'),
    field('SystemModstamp', 'datetime', { readOnly: true }),
  ]
}
