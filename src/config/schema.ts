import type { Static } from 'typebox'
import type { SettingSchema } from './setting-kinds.ts'
import { settingsSchema } from './settings-schema.ts'

export type ValidatedSettings = Static<typeof settingsSchema>
export type SettingName = keyof ValidatedSettings

/** All settings in the order in which they are documented. */
export const SETTINGS: ReadonlyMap<string, SettingSchema> = new Map(
  // TypeBox types each entry by its own kind; read as data they are plain JSON Schema, which the tests check.
  Object.entries(settingsSchema.properties as unknown as Record<string, SettingSchema>),
)

/** Without those that are accepted and have no effect. */
export const DOCUMENTED_SETTINGS: ReadonlyMap<string, SettingSchema> = new Map(
  [...SETTINGS].filter(([, { deprecated }]) => deprecated !== true),
)

/** Settings that have no default and without which nothing can start. */
export const REQUIRED_SETTINGS = settingsSchema.required.filter((name) => SETTINGS.get(name)?.default === undefined)

/** Whether the setting may be given as a file of its own, `NAME_FILE`: the credentials. */
export function hasFileTwin(name: string): boolean {
  return SETTINGS.has(`${name}_FILE`)
}

/** The schema's own words beside JSON Schema's, which the validator has to be told of. */
export const SCHEMA_VOCABULARY = ['secret', 'file', 'entry', 'defaultText']
