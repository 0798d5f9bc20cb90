import type { Row } from './schema-types.ts'

/** What the standard objects tell of the org. */
export interface OrgFacts {
  readonly orgId: string
  readonly userId: string
  readonly username: string
}

const LOCALE = { TimeZoneSidKey: 'GMT', LanguageLocaleKey: 'en_US' }

/** The rows of Organization and User: one each, the org and the run-as user. */
export function standardRows(object: string, { orgId, userId, username }: OrgFacts): [id: string, values: Row][] {
  switch (object) {
    case 'Organization':
      return [[orgId, { ...LOCALE, ...ORGANIZATION }]]
    case 'User':
      return [[userId, { ...LOCALE, ...USER, Username: username, Email: username }]]
    default:
      return []
  }
}

const ORGANIZATION = {
  Name: 'Emulated Cloudaware org',
  InstanceName: 'EMU1',
  OrganizationType: 'Enterprise Edition',
  DefaultLocaleSidKey: 'en_US',
  Country: 'US',
  IsSandbox: false,
}

const USER = {
  Name: 'Integration User',
  FirstName: 'Integration',
  LastName: 'User',
  Alias: 'integr',
  UserType: 'Standard',
  LocaleSidKey: 'en_US',
  EmailEncodingKey: 'UTF-8',
  IsActive: true,
}
