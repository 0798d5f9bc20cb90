import { REGIONS } from './cmdb-schema.ts'
import { Random } from './random.ts'
import { recordId } from './record-id.ts'
import type { Row } from './schema-types.ts'

/** Where the invented past ends: data must not depend on the day on which it is made. */
const EPOCH = Date.UTC(2026, 0, 15)
const DAY_MS = 86_400_000
const ENVIRONMENTS = ['production', 'staging', 'development', 'sandbox'] as const
const ROLES = ['web', 'api', 'db', 'cache', 'worker', 'bastion', 'etl', 'search'] as const
const TEAMS = ['payments', 'identity', 'platform', 'analytics', 'logistics', 'storefront'] as const
/** Type, processors, and what a month of it costs. */
const TYPES = [
  ['t3.micro', 2, 7.59],
  ['t3.medium', 2, 30.37],
  ['m6i.large', 2, 70.08],
  ['m6i.xlarge', 4, 140.16],
  ['c7g.2xlarge', 8, 211.7],
  ['r6i.4xlarge', 16, 735.84],
] as const

/** Salesforce's way of writing an instant. */
export function dateTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '+0000')
}

/** How many records of each object an org of `instances` EC2 instances has. */
export function sizes(instances: number): Record<string, number> {
  const share = (divisor: number) => Math.ceil(instances / divisor)
  return {
    CA10__CaAwsAccount__c: Math.min(12, share(100)),
    CA10__CaAwsVpc__c: share(150),
    CA10__CaAwsSubnet__c: share(40),
    CA10__CaAwsInstance__c: instances,
    CA10__CaAwsVolume__c: Math.ceil(instances * 1.5),
    CA10__CaAzureVirtualMachine__c: share(5),
    CA10__CaGoogleGceInstance__c: share(8),
  }
}

type Maker = (random: Random, index: number, size: Record<string, number>) => Row

const ref = (random: Random, keyPrefix: string, object: string, size: Record<string, number>) =>
  recordId(keyPrefix, random.below(size[object] ?? 1))

/** Follows from the subnet's number alone, so that an instance knows its subnet's network without looking it up. */
function network(subnet: number, size: Record<string, number>) {
  const vpc = subnet % (size.CA10__CaAwsVpc__c ?? 1)
  const region = REGIONS[vpc % REGIONS.length] ?? REGIONS[0]
  return {
    vpc,
    account: recordId('a00', vpc % (size.CA10__CaAwsAccount__c ?? 1)),
    region,
    zone: region + 'abc'.charAt(subnet % 3),
    prefix: `10.${vpc % 256}.${subnet % 256}`,
  }
}

const MAKERS: Record<string, Maker> = {
  CA10__CaAwsAccount__c: (random, index) => {
    const environment = ENVIRONMENTS[index % ENVIRONMENTS.length] ?? 'sandbox'
    const name = `${TEAMS[index % TEAMS.length] ?? 'shared'}-${environment}`
    return {
      Name: name,
      CA10__accountId__c: random.digits(12),
      CA10__accountName__c: name,
      CA10__email__c: `aws+${name}@example.com`,
      CA10__environment__c: environment,
    }
  },
  CA10__CaAwsVpc__c: (random, index, size) => {
    const { account, region } = network(index, size)
    const vpcId = `vpc-0${random.hex(16)}`
    return {
      Name: vpcId,
      CA10__vpcId__c: vpcId,
      CA10__account__c: account,
      CA10__cidr__c: `10.${index % 256}.0.0/16`,
      CA10__region__c: region,
      CA10__state__c: 'available',
      CA10__isDefault__c: index < REGIONS.length,
    }
  },
  CA10__CaAwsSubnet__c: (random, index, size) => {
    const { vpc, account, zone, prefix } = network(index, size)
    const subnetId = `subnet-0${random.hex(16)}`
    return {
      Name: subnetId,
      CA10__subnetId__c: subnetId,
      CA10__account__c: account,
      CA10__vpc__c: recordId('a01', vpc),
      CA10__cidr__c: `${prefix}.0/24`,
      CA10__availabilityZone__c: zone,
      CA10__availableIpAddressCount__c: 120 + random.below(130),
    }
  },
  CA10__CaAwsInstance__c: instance,
  CA10__CaAwsVolume__c: (random, _index, size) => {
    const isAttached = random.chance(0.9)
    const volumeType = random.pick(['gp3', 'gp3', 'gp2', 'io2', 'st1'])
    const volumeId = `vol-0${random.hex(16)}`
    return {
      Name: volumeId,
      CA10__volumeId__c: volumeId,
      CA10__account__c: ref(random, 'a00', 'CA10__CaAwsAccount__c', size),
      CA10__instance__c: isAttached ? ref(random, 'a03', 'CA10__CaAwsInstance__c', size) : null,
      CA10__volumeType__c: volumeType,
      CA10__state__c: isAttached ? 'in-use' : 'available',
      CA10__size__c: random.pick([8, 20, 50, 100, 200, 500, 1000]),
      CA10__iops__c: volumeType === 'st1' ? null : 3000,
      CA10__encrypted__c: random.chance(0.8),
    }
  },
  CA10__CaAzureVirtualMachine__c: (random, index) => ({
    Name: `vm-${random.pick(ROLES)}-${index}`,
    CA10__vmId__c: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`,
    CA10__resourceGroup__c: `rg-${random.pick(TEAMS)}`,
    CA10__location__c: random.pick(['westeurope', 'northeurope', 'eastus', 'uksouth']),
    CA10__vmSize__c: random.pick(['Standard_B2s', 'Standard_D4s_v5', 'Standard_E8s_v5']),
    CA10__powerState__c: random.chance(0.85) ? 'VM running' : 'VM deallocated',
    CA10__osType__c: random.chance(0.7) ? 'Linux' : 'Windows',
  }),
  CA10__CaGoogleGceInstance__c: (random, index) => ({
    Name: `gce-${random.pick(ROLES)}-${index}`,
    CA10__instanceId__c: random.digits(19),
    CA10__projectId__c: `${random.pick(TEAMS)}-prod`,
    CA10__zone__c: random.pick(['europe-west1-b', 'europe-west4-a', 'us-central1-f']),
    CA10__machineType__c: random.pick(['e2-medium', 'n2-standard-4', 'c3-standard-8']),
    CA10__status__c: random.chance(0.9) ? 'RUNNING' : 'TERMINATED',
    CA10__preemptible__c: random.chance(0.2),
  }),
}

function instance(random: Random, index: number, size: Record<string, number>): Row {
  const subnet = random.below(size.CA10__CaAwsSubnet__c ?? 1)
  const { vpc, account, region, zone, prefix } = network(subnet, size)
  const [type, processors, cost] = random.pick(TYPES)
  const [role, team] = [random.pick(ROLES), random.pick(TEAMS)]
  const state = random.pick(['running', 'running', 'running', 'running', 'stopped', 'terminated', 'pending'])
  const isOutside = state === 'terminated'
  const launched = EPOCH - Math.floor(random.next() * 900 * DAY_MS)
  return {
    Name: `${team}-${role}-${String(index).padStart(4, '0')}`,
    CA10__instanceId__c: `i-0${random.hex(16)}`,
    CA10__account__c: account,
    CA10__vpc__c: isOutside ? null : recordId('a01', vpc),
    CA10__vpcSubnet__c: isOutside ? null : recordId('a02', subnet),
    CA10__stateName__c: state,
    CA10__instanceType__c: type,
    CA10__imageId__c: `ami-0${random.hex(16)}`,
    CA10__privateIpAddress__c: isOutside ? null : `${prefix}.${4 + random.below(250)}`,
    CA10__publicIpAddress__c: role === 'bastion' ? `203.0.113.${1 + random.below(254)}` : null,
    CA10__region__c: region,
    CA10__availabilityZone__c: zone,
    CA10__platform__c: random.chance(0.8) ? 'linux' : 'windows',
    CA10__launchTime__c: dateTime(launched),
    CA10__warrantyUntil__c: new Date(launched + 1095 * DAY_MS).toISOString().slice(0, 10),
    CA10__ebsOptimized__c: random.chance(0.6),
    CA10__cpuCount__c: processors,
    CA10__monthlyCost__c: state === 'running' ? cost : 0,
    CA10__capabilities__c: random.pick(['backup', 'backup;monitoring', 'monitoring;patching;encryption', 'patching']),
    CA10__tags__c: `team=${team}\nrole=${role}\nowner="${team}, on call"`,
  }
}

/** Record number `index` of a CMDB object, without its system fields; the same for the same seed. */
export function makeRecord(object: string, index: number, size: Record<string, number>, seed: number): Row {
  return MAKERS[object]?.(new Random(`${seed}/${object}/${index}`), index, size) ?? {}
}

/** When it was entered: spread over a year, in the order of the numbers. */
export function createdAt(index: number, total: number): number {
  return EPOCH - Math.floor(((total - index) / total) * 365 * DAY_MS)
}
