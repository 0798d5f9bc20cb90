import { expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { ApiError } from '../../src/emulator/api-error.ts'
import { objectType } from '../../src/emulator/cmdb-schema.ts'
import { RecordStore } from '../../src/emulator/record-store.ts'
import { literalSpan } from '../../src/emulator/soql-dates.ts'
import { runQuery } from '../../src/emulator/soql.ts'

const NOW = Date.UTC(2026, 5, 17, 12)
const clock: Clock = { now: () => NOW, monotonic: () => NOW, sleep: () => Promise.resolve() }
const VM = 'CA10__CaGoogleGceInstance__c'
const HOST = 'CA10__CaAwsInstance__c'

function type(name: string) {
  const found = objectType(name)
  if (found === undefined) throw new Error(name)
  return found
}

/** An org of a handful of hosts, known by heart. */
function store(): RecordStore {
  const org = { orgId: '00D5f0000000001EAA', userId: '0055f0000000001AAA', username: 'u@example.com' }
  const made = new RecordStore({ clock, org, seed: 1, records: 0 })
  const vpc = made.insert(type('CA10__CaAwsVpc__c'), { Name: 'vpc-a', CA10__cidr__c: '10.0.0.0/16' })
  const subnet = made.insert(type('CA10__CaAwsSubnet__c'), { Name: 'subnet-a', CA10__vpc__c: vpc })
  const host = (Name: string, values: object) => made.insert(type(HOST), { Name, ...values })
  const alpha = host('Alpha', {
    CA10__stateName__c: 'running',
    CA10__cpuCount__c: 2,
    CA10__monthlyCost__c: 10.1,
    CA10__vpcSubnet__c: subnet,
    CA10__launchTime__c: '2026-06-17T08:00:00Z',
    CA10__warrantyUntil__c: '2026-06-30',
    CA10__ebsOptimized__c: true,
    CA10__capabilities__c: 'backup;monitoring',
  })
  host('beta', {
    CA10__stateName__c: 'Running',
    CA10__cpuCount__c: 8,
    CA10__monthlyCost__c: 20.2,
    CA10__launchTime__c: '2026-06-10T08:00:00Z',
    CA10__warrantyUntil__c: '2027-01-01',
    CA10__capabilities__c: 'patching',
  })
  host('Gamma_1', { CA10__stateName__c: 'stopped', CA10__cpuCount__c: 4, CA10__launchTime__c: '2025-12-31T23:59:59Z' })
  host("d'elta", { CA10__cpuCount__c: 4 })
  for (const size of [10, 30, 20]) {
    made.insert(type('CA10__CaAwsVolume__c'), { Name: `vol-${size}`, CA10__size__c: size, CA10__instance__c: alpha })
  }
  return made
}

function run(soql: string, includeDeleted = false) {
  const result = runQuery(soql, { store: store(), now: NOW, includeDeleted })
  return { ...result, records: result.rows.map((row) => result.shape(row, '/v')) }
}

const names = (where: string) => run(`SELECT Name FROM ${HOST} ${where}`).records.map((record) => record.Name)

function refusal(soql: string): unknown {
  try {
    run(soql)
  } catch (error) {
    if (error instanceof ApiError) return { code: error.errorCode, message: error.message }
    throw error
  }
  return 'no refusal'
}

test.each([
  ["WHERE Name = 'ALPHA'", ['Alpha']],
  ["WHERE Name != 'alpha'", ['beta', 'Gamma_1', "d'elta"]],
  ["WHERE CA10__stateName__c != 'running'", ['Gamma_1', "d'elta"]],
  ["WHERE CA10__stateName__c = 'running' AND CA10__cpuCount__c > 2", ['beta']],
  ["WHERE Name = 'beta' OR Name = 'alpha'", ['Alpha', 'beta']],
  ["WHERE (Name = 'beta' OR Name = 'alpha') AND NOT CA10__cpuCount__c = 8", ['Alpha']],
  ["WHERE NOT (Name = 'beta' OR Name = 'alpha')", ['Gamma_1', "d'elta"]],
  ["WHERE (NOT Name LIKE '%a') AND CA10__cpuCount__c = 4", ['Gamma_1']],
  ["WHERE Name LIKE 'gamma\\_1'", ['Gamma_1']],
  ["WHERE Name LIKE 'gamma\\_%'", ['Gamma_1']],
  ["WHERE Name LIKE '_eta'", ['beta']],
  ["WHERE Name LIKE 'b.ta'", []],
  ["WHERE Name LIKE 'd\\'e%'", ["d'elta"]],
  ["WHERE Name = 'd\\'elta'", ["d'elta"]],
  ["WHERE Name IN ('alpha', 'beta')", ['Alpha', 'beta']],
  ["WHERE Name NOT IN ('alpha', 'beta')", ['Gamma_1', "d'elta"]],
  ['WHERE CA10__stateName__c = null', ["d'elta"]],
  ["WHERE CA10__stateName__c = ''", ["d'elta"]],
  ['WHERE CA10__monthlyCost__c != null', ['Alpha', 'beta']],
  ['WHERE CA10__monthlyCost__c >= 20.2', ['beta']],
  ['WHERE CA10__monthlyCost__c <= 10.1', ['Alpha']],
  ['WHERE CA10__cpuCount__c < 4', ['Alpha']],
  ['WHERE CA10__ebsOptimized__c = true', ['Alpha']],
  ["WHERE CA10__vpcSubnet__r.CA10__vpc__r.Name = 'VPC-A'", ['Alpha']],
  ['WHERE CA10__launchTime__c = TODAY', ['Alpha']],
  ['WHERE CA10__launchTime__c = LAST_WEEK', ['beta']],
  ['WHERE CA10__launchTime__c = LAST_YEAR', ['Gamma_1']],
  ['WHERE CA10__launchTime__c = LAST_N_DAYS:7', ['Alpha', 'beta']],
  ['WHERE CA10__launchTime__c < THIS_MONTH', ['Gamma_1']],
  ['WHERE CA10__launchTime__c > 2026-06-10T08:00:00Z', ['Alpha']],
  ['WHERE CA10__launchTime__c >= 2026-06-10T10:00:00+02:00', ['Alpha', 'beta']],
  ['WHERE CA10__warrantyUntil__c = NEXT_N_DAYS:30', ['Alpha']],
  ['WHERE CA10__warrantyUntil__c = NEXT_YEAR', ['beta']],
  ['WHERE CA10__warrantyUntil__c = 2026-06-30', ['Alpha']],
  ['WHERE CA10__warrantyUntil__c <= 2026-06-30', ['Alpha']],
  ['WHERE CALENDAR_MONTH(CA10__launchTime__c) = 12', ['Gamma_1']],
  ["WHERE CA10__capabilities__c INCLUDES ('backup;monitoring', 'encryption')", ['Alpha']],
  ["WHERE CA10__capabilities__c EXCLUDES ('backup')", ['beta', 'Gamma_1', "d'elta"]],
  ['WHERE Id IN (SELECT CA10__instance__c FROM CA10__CaAwsVolume__c WHERE CA10__size__c > 20)', ['Alpha']],
  ['ORDER BY Name', ['Alpha', 'beta', "d'elta", 'Gamma_1']],
  ['ORDER BY CA10__monthlyCost__c DESC NULLS LAST, Name DESC', ['beta', 'Alpha', 'Gamma_1', "d'elta"]],
  ['ORDER BY CA10__monthlyCost__c, Name LIMIT 3', ["d'elta", 'Gamma_1', 'Alpha']],
  ['ORDER BY Name LIMIT 2 OFFSET 1', ['beta', "d'elta"]],
])('%s', (where, expected) => {
  expect(names(where)).toEqual(expected)
})

test('an Id is found by its short and its long form', () => {
  const made = store()
  const context = { store: made, now: NOW, includeDeleted: false }
  const id = String(made.rows(type(HOST))[1]?.Id)
  for (const form of [id, id.slice(0, 15)]) {
    const { rows } = runQuery(`SELECT Id FROM ${HOST} WHERE Id = '${form}'`, context)
    expect(rows.map((row) => row.Name)).toEqual(['beta'])
  }
})

test.each([
  ['YESTERDAY', '2026-06-16T00:00:00Z', '2026-06-17T00:00:00Z'],
  ['TODAY', '2026-06-17T00:00:00Z', '2026-06-18T00:00:00Z'],
  ['TOMORROW', '2026-06-18T00:00:00Z', '2026-06-19T00:00:00Z'],
  ['LAST_WEEK', '2026-06-07T00:00:00Z', '2026-06-14T00:00:00Z'],
  ['THIS_WEEK', '2026-06-14T00:00:00Z', '2026-06-21T00:00:00Z'],
  ['NEXT_MONTH', '2026-07-01T00:00:00Z', '2026-08-01T00:00:00Z'],
  ['THIS_QUARTER', '2026-04-01T00:00:00Z', '2026-07-01T00:00:00Z'],
  ['LAST_FISCAL_QUARTER', '2026-01-01T00:00:00Z', '2026-04-01T00:00:00Z'],
  ['THIS_YEAR', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ['LAST_90_DAYS', '2026-03-19T00:00:00Z', '2026-06-18T00:00:00Z'],
  ['NEXT_90_DAYS', '2026-06-18T00:00:00Z', '2026-09-16T00:00:00Z'],
  ['LAST_N_DAYS:2', '2026-06-15T00:00:00Z', '2026-06-18T00:00:00Z'],
  ['NEXT_N_WEEKS:1', '2026-06-21T00:00:00Z', '2026-06-28T00:00:00Z'],
  ['LAST_N_MONTHS:2', '2026-04-01T00:00:00Z', '2026-06-01T00:00:00Z'],
  ['N_DAYS_AGO:1', '2026-06-16T00:00:00Z', '2026-06-17T00:00:00Z'],
  ['N_YEARS_AGO:2', '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
])('%s is from %s up to %s', (literal, start, end) => {
  expect(literalSpan(literal, NOW)).toEqual({ start: Date.parse(start), end: Date.parse(end) })
})

test.each([
  ['CALENDAR_YEAR', 2026],
  ['CALENDAR_QUARTER', 2],
  ['CALENDAR_MONTH', 6],
  ['DAY_IN_MONTH', 17],
  ['DAY_IN_WEEK', 4],
  ['HOUR_IN_DAY', 8],
  ['DAY_ONLY', '2026-06-17'],
])('%s of an instant is %s', (name, value) => {
  const { records } = run(
    `SELECT ${name}(CA10__launchTime__c) v FROM ${HOST} WHERE Name = 'alpha' GROUP BY ${name}(CA10__launchTime__c)`,
  )
  expect(records).toMatchObject([{ v: value }])
})

test('names are found in whatever case, and shown in their own', () => {
  const { records } = run(`select name, ca10__VPCSUBNET__R.name from ca10__caawsinstance__c where NAME = 'alpha'`)
  expect(records).toMatchObject([{ Name: 'Alpha', CA10__vpcSubnet__r: { Name: 'subnet-a' } }])
})

test('parents are nested, a missing one is null', () => {
  const { records } = run(
    `SELECT x.Name, CA10__vpcSubnet__r.Name, CA10__vpcSubnet__r.CA10__vpc__r.CA10__cidr__c FROM ${HOST} x LIMIT 2`,
  )
  expect(records).toMatchObject([
    {
      attributes: { type: HOST },
      Name: 'Alpha',
      CA10__vpcSubnet__r: { Name: 'subnet-a', CA10__vpc__r: { CA10__cidr__c: '10.0.0.0/16' } },
    },
    { Name: 'beta', CA10__vpcSubnet__r: null },
  ])
})

test('children come as a result of their own, none as null', () => {
  const { records } = run(
    `SELECT Name, (SELECT Name FROM CA10__volumes__r WHERE CA10__size__c > 10 ORDER BY CA10__size__c DESC LIMIT 1) FROM ${HOST} LIMIT 2`,
  )
  expect(records).toMatchObject([
    { CA10__volumes__r: { totalSize: 1, done: true, records: [{ Name: 'vol-30' }] } },
    { CA10__volumes__r: null },
  ])
})

test('COUNT() is the size of an answer without records', () => {
  const { totalSize, records } = run(`SELECT COUNT() FROM ${HOST} WHERE CA10__cpuCount__c = 4`)
  expect({ totalSize, records }).toEqual({ totalSize: 2, records: [] })
})

test('groups are counted, summed, filtered and ordered', () => {
  const { records } = run(
    `SELECT CA10__stateName__c, COUNT(Id) n, SUM(CA10__monthlyCost__c), MAX(CA10__cpuCount__c) most FROM ${HOST} GROUP BY CA10__stateName__c HAVING COUNT(Id) >= 1 ORDER BY COUNT(Id) DESC, CA10__stateName__c NULLS LAST`,
  )
  const attributes = { type: 'AggregateResult' }
  expect(records).toEqual([
    { attributes, CA10__stateName__c: 'running', n: 2, expr0: 30.3, most: 8 },
    { attributes, CA10__stateName__c: 'stopped', n: 1, expr0: null, most: 4 },
    { attributes, CA10__stateName__c: null, n: 1, expr0: null, most: 4 },
  ])
})

test('a whole table is one group, even an empty one', () => {
  const soql = 'SELECT COUNT(Id), AVG(CA10__cpuCount__c), MIN(Name), COUNT_DISTINCT(CA10__cpuCount__c) FROM '
  expect(run(soql + HOST).records).toMatchObject([{ expr0: 4, expr1: 4.5, expr2: 'Alpha', expr3: 3 }])
  expect(run(`SELECT COUNT(Id), MAX(Name), MIN(CreatedDate) FROM ${VM}`).records).toMatchObject([
    { expr0: 0, expr1: null, expr2: null },
  ])
})

test('groups by a function of a date and by a field of a parent', () => {
  const { records } = run(
    `SELECT CALENDAR_YEAR(CA10__launchTime__c) y, CA10__vpcSubnet__r.Name, COUNT(Id) n FROM ${HOST} WHERE CA10__launchTime__c != null GROUP BY CALENDAR_YEAR(CA10__launchTime__c), CA10__vpcSubnet__r.Name ORDER BY CALENDAR_YEAR(CA10__launchTime__c), COUNT(Id)`,
  )
  expect(records).toMatchObject([
    { y: 2025, Name: null, n: 1 },
    { y: 2026, Name: 'subnet-a', n: 1 },
    { y: 2026, Name: null, n: 1 },
  ])
})

test('FIELDS() stands for all, the standard or the custom fields', () => {
  const keys = (group: string) => Object.keys(run(`SELECT FIELDS(${group}) FROM ${HOST} LIMIT 1`).records[0] ?? {})
  expect(keys('STANDARD')).toContain('CreatedDate')
  expect(keys('STANDARD')).not.toContain('CA10__tags__c')
  expect(keys('CUSTOM')).toContain('CA10__tags__c')
  expect(keys('CUSTOM')).not.toContain('Name')
  expect(keys('ALL')).toEqual(expect.arrayContaining(['Name', 'CA10__tags__c']))
})

test('a function of a field is shown under its alias or the name of the field', () => {
  const { records } = run(
    `SELECT toLabel(CA10__stateName__c) state, DAY_ONLY(CA10__launchTime__c) FROM ${HOST} LIMIT 1`,
  )
  expect(records).toMatchObject([{ state: 'running', CA10__launchTime__c: '2026-06-17' }])
})

test('the recycle bin is only asked when told so', () => {
  const made = store()
  const [first] = made.rows(type(HOST))
  made.remove(type(HOST), String(first?.Id))
  const count = (includeDeleted: boolean) =>
    runQuery(`SELECT COUNT() FROM ${HOST}`, { store: made, now: NOW, includeDeleted }).totalSize
  expect([count(false), count(true)]).toEqual([3, 4])
})

test.each([
  ['SELEC Id FROM X', 'MALFORMED_QUERY', "unexpected token: 'SELEC'"],
  ['', 'MALFORMED_QUERY', 'unexpected end of query'],
  [`SELECT Id FROM ${HOST} WHERE`, 'MALFORMED_QUERY', 'unexpected token'],
  [`SELECT Id FROM ${HOST} WHERE Name = 'open`, 'MALFORMED_QUERY', 'no viable alternative'],
  [`SELECT Id FROM ${HOST} WHERE Name = 'a' AND Name = 'b' OR Name = 'c'`, 'MALFORMED_QUERY', "unexpected token: 'OR'"],
  [`SELECT Name, COUNT(Id) FROM ${HOST}`, 'MALFORMED_QUERY', 'Field must be grouped or aggregated: Name'],
  [`SELECT FIELDS(ALL) FROM ${HOST}`, 'MALFORMED_QUERY', 'LIMIT of at most 200'],
  [`SELECT COUNT(Id), (SELECT Id FROM CA10__volumes__r) FROM ${HOST}`, 'MALFORMED_QUERY', 'Grouped queries'],
  [`SELECT TYPEOF Owner WHEN User THEN Name END FROM ${HOST}`, 'MALFORMED_QUERY', 'TYPEOF'],
  [`SELECT AVG(CreatedDate) FROM ${HOST}`, 'MALFORMED_QUERY', 'does not support aggregate operator AVG'],
  ['SELECT Id FROM Nothing__c', 'INVALID_TYPE', "sObject type 'Nothing__c' is not supported"],
  [`SELECT Foo FROM ${HOST}`, 'INVALID_FIELD', `No such column 'Foo' on entity '${HOST}'`],
  [`SELECT Foo__r.Name FROM ${HOST}`, 'INVALID_FIELD', "Didn't understand relationship 'Foo__r' in field path"],
  [`SELECT (SELECT Id FROM Foo__r) FROM ${HOST}`, 'INVALID_TYPE', "Didn't understand relationship 'Foo__r' in FROM"],
  [`SELECT Id, Id FROM ${HOST}`, 'INVALID_FIELD', 'duplicate field selected: Id'],
  [`SELECT Id FROM ${HOST} WHERE Name = 5`, 'INVALID_FIELD', 'must be of type string'],
  [`SELECT Id FROM ${HOST} WHERE CA10__cpuCount__c = 'x'`, 'INVALID_FIELD', 'must be of type double'],
  [`SELECT Id FROM ${HOST} WHERE CA10__ebsOptimized__c = 'x'`, 'INVALID_FIELD', 'must be of type boolean'],
  [`SELECT Id FROM ${HOST} WHERE CreatedDate = '2026-01-01'`, 'INVALID_FIELD', 'must be of type dateTime'],
  [`SELECT Id FROM ${HOST} WHERE CA10__warrantyUntil__c = 5`, 'INVALID_FIELD', 'must be of type date'],
  [`SELECT Id FROM ${HOST} WHERE CA10__cpuCount__c LIKE 'x'`, 'INVALID_FIELD', 'invalid operator'],
  [`SELECT Id FROM ${HOST} WHERE Name LIKE 5`, 'MALFORMED_QUERY', 'LIKE needs a string'],
  [`SELECT Id FROM ${HOST} WHERE CA10__tags__c = 'x'`, 'INVALID_FIELD', 'can not be filtered'],
  [`SELECT Id FROM ${HOST} ORDER BY CA10__tags__c`, 'INVALID_FIELD', 'can not be filtered or sorted'],
  [`SELECT Id FROM ${HOST} OFFSET 2001`, 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000'],
])('%s is refused', (soql, code, message) => {
  // vitest types its matchers as any.
  const text: unknown = expect.stringContaining(message)
  expect(refusal(soql)).toEqual({ code, message: text })
})

test('a refusal points at the place', () => {
  expect(refusal(`SELECT Id, Foo FROM ${HOST}`)).toMatchObject({
    message: `\nSELECT Id, Foo FROM ${HOST}\n           ^\nERROR at Row:1:Column:12\nNo such column 'Foo' on entity '${HOST}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
  })
})
