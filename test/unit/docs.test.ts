import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { generalHelp } from '../../src/cli/help.ts'
import { run } from '../../src/cli/run.ts'
import { exampleFile, loadSettings, settingsTable } from '../../src/config.ts'
import { DOCUMENTED_SETTINGS as SETTINGS } from '../../src/config/schema.ts'
import { PROXY_ERRORS } from '../../src/errors.ts'
import { FakeCli } from '../support/fake-cli.ts'

const ORG = {
  CLOUDAWARE_URL: 'https://acme.my.salesforce.com',
  CLOUDAWARE_CLIENT_ID: 'key',
  CLOUDAWARE_CLIENT_SECRET: 'secret',
}

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
}

/** The cells of each row of the table with this heading; Prettier pads them. */
function tableUnder(heading: string, markdown: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => cellsOf(line)[0] === heading)
  const rows = lines.slice(start)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(2, end === -1 ? undefined : end).map(cellsOf)
}

function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1)
  return cells.map((cell) => cell.trim())
}

test('config.example.env is what the schema says', () => {
  expect(read('config.example.env')).toBe(exampleFile())
})

test('config.example.env with its three blanks filled in, and with every default spelt out, changes nothing', () => {
  const spelt = exampleFile().replaceAll(/^#([A-Z_]+=)/gm, '$1')
  const values = { ...parseEnv(spelt), ...ORG }
  expect(Object.keys(values).sort()).toEqual([...SETTINGS.keys()].sort())
  expect(loadSettings({ env: values })).toEqual(loadSettings({ env: ORG }))
})

test("the README's table of settings is what the schema says", () => {
  const rows = tableUnder('setting', read('README.md'))
  expect(rows).toEqual(tableUnder('setting', settingsTable()))
  expect(rows).toHaveLength(SETTINGS.size)
})

test("the README's table of errors is the table of errors", () => {
  expect(tableUnder('errorCode', read('README.md'))).toEqual(
    Object.entries(PROXY_ERRORS).map(([code, { status, message }]) => [`\`${code}\``, String(status), message]),
  )
})

test('--help names every setting, with its meaning', () => {
  const help = generalHelp()
  for (const [name, { description, secret }] of SETTINGS) {
    const flag = `--${name.toLowerCase().replaceAll('_', '-')}`
    expect(help).toContain(secret === true ? `${name}, ${name}_FILE (never a flag)` : `${flag}, ${name}\n`)
    expect(help).toContain(description.replaceAll('`', ''))
  }
})

test('every setting that --help offers as a flag is accepted as one', () => {
  const flags = Array.from(generalHelp().matchAll(/^ {2}(--[a-z-]+), [A-Z]/gm), ([, flag]) => String(flag))
  expect(flags.length).toBeGreaterThan(40)
  const cli = new FakeCli(['serve', ...flags.map((flag) => `${flag}=no-such-value`)], { env: ORG })
  return run(cli).then((code) => {
    expect(code).toBe(2)
    expect(cli.complained).not.toContain('is no flag')
  })
})

test('the npm scripts that the documents name exist', () => {
  for (const name of ['README.md', 'CONTRIBUTING.md']) {
    const scripts = Array.from(read(name).matchAll(/npm (?:run )?(\w[\w:]*)/g), ([, script]) => String(script))
    const own = scripts.filter((script) => !['ci', 'pack', 'install', 'brings', 'are'].includes(script))
    expect(own).not.toEqual([])
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(own))
  }
})

test('the commands that the README names are commands', async () => {
  const commands = Array.from(read('README.md').matchAll(/src\/main\.ts (\w+)/g), ([, command]) => String(command))
  expect(commands).toEqual(expect.arrayContaining(['serve', 'emulator']))
  for (const command of commands) expect(await run(new FakeCli([command, '--help']))).toBe(0)
})

test('the requests of the README are those that the demo prints', async () => {
  const requests = (text: string) => Array.from(text.matchAll(/curl '?http:\/\/[^/\s]+([^\s']+)/g), ([, path]) => path)
  await using cli = new FakeCli(['demo', '--proxy-port=0', '--admin-port=off'])
  await run(cli)
  expect(requests(read('README.md'))).toEqual(requests(cli.printed))
})
