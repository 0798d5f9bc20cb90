import { flagOf } from './flags.ts'
import { DOCUMENTED_SETTINGS, hasFileTwin, REQUIRED_SETTINGS, SETTINGS } from './schema.ts'
import type { SettingSchema } from './setting-kinds.ts'
import { expectation } from './validate.ts'

/** Settings as they may be shown: credentials as `<set>`, in the order of the documents. */
export function describeSettings(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = [...SETTINGS.keys()].flatMap((name) => {
    const value = settings[name]
    return value === undefined ? [] : [[name, hasFileTwin(name) ? '<set>' : value] as const]
  })
  return Object.fromEntries(shown)
}

/** The flags with their meaning, for `--help`. */
export function settingsHelp(): string {
  const entries = [...DOCUMENTED_SETTINGS].map(([name, schema]) => {
    const names = schema.secret === true ? `${name}, ${name}_FILE (never a flag)` : `${flagOf(name)}, ${name}`
    return `  ${names}\n      ${plain(meaning(schema))} (${plain(noteOf(name, schema))})`
  })
  return entries.join('\n')
}

/** config.example.env: every setting, its meaning above it. What has a default, or none, is commented out. */
export function exampleFile(): string {
  const head = [
    '# Settings of cloudaware-proxy. Copy this file to config.env and fill in the three that are not commented out.',
    '# The same names work as environment variables and, secrets aside, as flags: PROXY_PORT is --proxy-port.',
  ]
  const entries = [...DOCUMENTED_SETTINGS].map(([name, schema]) => {
    const comment = `# ${plain(meaning(schema))} (${plain(noteOf(name, schema))})`
    return `${comment}\n${TO_FILL_IN.includes(name) ? '' : '#'}${name}=${exampleValue(schema)}`
  })
  return `${[head.join('\n'), ...entries].join('\n\n')}\n`
}

/** The README's table. */
export function settingsTable(): string {
  const rows = [...DOCUMENTED_SETTINGS].map(
    ([name, schema]) => `| \`${name}\` | ${defaultOf(name, schema)} | ${meaning(schema).replaceAll('|', '\\|')} |`,
  )
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

const REQUIRED: ReadonlySet<string> = new Set(REQUIRED_SETTINGS)
const TO_FILL_IN = ['CLOUDAWARE_URL', 'CLOUDAWARE_CLIENT_ID', 'CLOUDAWARE_CLIENT_SECRET']

function meaning(schema: SettingSchema): string {
  return schema.enum === undefined ? schema.description : `${schema.description}; ${expectation(schema)}`
}

function noteOf(name: string, schema: SettingSchema): string {
  const text = defaultOf(name, schema)
  return text === 'required' ? text : `default: ${text}`
}

function defaultOf(name: string, { default: value, defaultText }: SettingSchema): string {
  if (REQUIRED.has(name)) return 'required'
  if (defaultText !== undefined) return defaultText
  return typeof value === 'object' || value === undefined ? 'none' : `\`${value}\``
}

function exampleValue({ default: value }: SettingSchema): string {
  return typeof value === 'object' || value === undefined ? '' : String(value)
}

/** Without Markdown's backquotes. */
function plain(text: string): string {
  return text.replaceAll('`', '')
}
