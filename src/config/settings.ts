import type { ValidatedSettings } from './schema.ts'

/** Everything that can be set, by environment name, checked. URLs have no trailing slash; paths of files are as given. */
export type Settings = Readonly<
  ValidatedSettings & Required<Pick<ValidatedSettings, 'CLOUDAWARE_TOKEN_URL' | 'CLOUDAWARE_JWT_AUDIENCE'>>
>
