import { field, lookup, systemFields, type Field, type ObjectType } from './schema-types.ts'

export const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-southeast-2'] as const
export const INSTANCE_STATES = ['running', 'stopped', 'terminated', 'pending'] as const

const key = (name: string) => field(name, 'string', { externalId: true })

function cmdb(name: string, keyPrefix: string, label: string, fields: Field[]): ObjectType {
  return {
    name,
    label,
    labelPlural: `${label}s`,
    keyPrefix,
    fields: [
      field('Id', 'id', { readOnly: true, length: 18 }),
      { ...lookup('OwnerId', 'User') },
      field('IsDeleted', 'boolean', { readOnly: true }),
      field('Name', 'string', { required: true, length: 80 }),
      ...systemFields(),
      ...fields,
    ],
  }
}

function standard(name: string, keyPrefix: string, fields: Field[]): ObjectType {
  return {
    name,
    label: name,
    labelPlural: `${name}s`,
    keyPrefix,
    readOnly: true,
    fields: [field('Id', 'id', { readOnly: true, length: 18 }), ...fields, ...systemFields()],
  }
}

const strings = (...names: string[]) => names.map((name) => field(name, 'string'))

const account = (children: string) => lookup('CA10__account__c', 'CA10__CaAwsAccount__c', children)

const CMDB_OBJECTS: ObjectType[] = [
  cmdb('CA10__CaAwsAccount__c', 'a00', 'AWS Account', [
    key('CA10__accountId__c'),
    field('CA10__accountName__c', 'string'),
    field('CA10__email__c', 'string'),
    field('CA10__environment__c', 'picklist', { picklist: ['production', 'staging', 'development', 'sandbox'] }),
  ]),
  cmdb('CA10__CaAwsVpc__c', 'a01', 'AWS VPC', [
    key('CA10__vpcId__c'),
    account('CA10__vpcs__r'),
    field('CA10__cidr__c', 'string'),
    field('CA10__region__c', 'picklist', { picklist: REGIONS }),
    field('CA10__state__c', 'picklist', { picklist: ['available', 'pending'] }),
    field('CA10__isDefault__c', 'boolean'),
  ]),
  cmdb('CA10__CaAwsSubnet__c', 'a02', 'AWS Subnet', [
    key('CA10__subnetId__c'),
    account('CA10__subnets__r'),
    lookup('CA10__vpc__c', 'CA10__CaAwsVpc__c', 'CA10__subnets__r'),
    field('CA10__cidr__c', 'string'),
    field('CA10__availabilityZone__c', 'string'),
    field('CA10__availableIpAddressCount__c', 'int'),
  ]),
  cmdb('CA10__CaAwsInstance__c', 'a03', 'AWS EC2 Instance', [
    key('CA10__instanceId__c'),
    account('CA10__instances__r'),
    lookup('CA10__vpc__c', 'CA10__CaAwsVpc__c', 'CA10__instances__r'),
    lookup('CA10__vpcSubnet__c', 'CA10__CaAwsSubnet__c', 'CA10__instances__r'),
    field('CA10__stateName__c', 'picklist', { picklist: INSTANCE_STATES }),
    ...strings('CA10__instanceType__c', 'CA10__imageId__c', 'CA10__privateIpAddress__c', 'CA10__publicIpAddress__c'),
    field('CA10__region__c', 'picklist', { picklist: REGIONS }),
    ...strings('CA10__availabilityZone__c', 'CA10__platform__c'),
    field('CA10__launchTime__c', 'datetime'),
    field('CA10__warrantyUntil__c', 'date'),
    field('CA10__ebsOptimized__c', 'boolean'),
    field('CA10__cpuCount__c', 'int'),
    field('CA10__monthlyCost__c', 'currency'),
    field('CA10__capabilities__c', 'multipicklist', { picklist: ['backup', 'monitoring', 'patching', 'encryption'] }),
    field('CA10__tags__c', 'textarea', { length: 32_768 }),
  ]),
  cmdb('CA10__CaAwsVolume__c', 'a04', 'AWS EBS Volume', [
    key('CA10__volumeId__c'),
    account('CA10__volumes__r'),
    lookup('CA10__instance__c', 'CA10__CaAwsInstance__c', 'CA10__volumes__r'),
    field('CA10__volumeType__c', 'picklist', { picklist: ['gp2', 'gp3', 'io2', 'st1', 'sc1'] }),
    field('CA10__state__c', 'picklist', { picklist: ['in-use', 'available'] }),
    field('CA10__size__c', 'int'),
    field('CA10__iops__c', 'int'),
    field('CA10__encrypted__c', 'boolean'),
  ]),
  cmdb('CA10__CaAzureVirtualMachine__c', 'a05', 'Azure Virtual Machine', [
    key('CA10__vmId__c'),
    ...strings('CA10__resourceGroup__c', 'CA10__location__c', 'CA10__vmSize__c', 'CA10__powerState__c'),
    field('CA10__osType__c', 'picklist', { picklist: ['Linux', 'Windows'] }),
  ]),
  cmdb('CA10__CaGoogleGceInstance__c', 'a06', 'Google GCE Instance', [
    key('CA10__instanceId__c'),
    ...strings('CA10__projectId__c', 'CA10__zone__c', 'CA10__machineType__c', 'CA10__status__c'),
    field('CA10__preemptible__c', 'boolean'),
  ]),
]

/** What the Salesforce CLI and other tools ask for on their way in. */
const STANDARD_OBJECTS: ObjectType[] = [
  standard('Organization', '00D', [
    ...strings('Name', 'InstanceName', 'NamespacePrefix', 'OrganizationType', 'PrimaryContact', 'Country'),
    ...strings('LanguageLocaleKey', 'DefaultLocaleSidKey', 'TimeZoneSidKey'),
    field('IsSandbox', 'boolean'),
    field('TrialExpirationDate', 'datetime'),
  ]),
  standard('User', '005', [
    ...strings('Username', 'Name', 'FirstName', 'LastName', 'Email', 'Alias', 'UserType', 'ProfileId'),
    ...strings('TimeZoneSidKey', 'LocaleSidKey', 'LanguageLocaleKey', 'EmailEncodingKey'),
    field('IsActive', 'boolean'),
  ]),
]

const OBJECTS = new Map([...CMDB_OBJECTS, ...STANDARD_OBJECTS].map((object) => [object.name.toLowerCase(), object]))

/** Every object type of the org. */
export const OBJECT_TYPES: readonly ObjectType[] = [...OBJECTS.values()]

/** By API name, in whatever case. */
export function objectType(name: string): ObjectType | undefined {
  return OBJECTS.get(name.toLowerCase())
}

/** By API name, in whatever case. */
export function fieldOf(type: ObjectType, name: string): Field | undefined {
  const wanted = name.toLowerCase()
  return type.fields.find((candidate) => candidate.name.toLowerCase() === wanted)
}

export interface ChildRelationship {
  readonly name: string
  readonly child: ObjectType
  readonly field: Field
}

/** The lookups of other objects that point at this one and can be asked for as a subquery. */
export function childRelationships(type: ObjectType): ChildRelationship[] {
  return OBJECT_TYPES.flatMap((child) =>
    child.fields.flatMap((candidate) =>
      candidate.reference?.to === type.name && candidate.reference.children !== undefined
        ? [{ name: candidate.reference.children, child, field: candidate }]
        : [],
    ),
  )
}
