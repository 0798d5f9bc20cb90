import { describe, expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { recipes, runRecipe } from '../support/recipes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { EXPECTED, missingNeeds } from '../support/tools-document.ts'

/*
 * The recipes of docs/tools.md, run as they stand there; with the tools that are installed. Which those are, `npm test` says at its end.
 */

const KEY = 'the-key-of-this-tool'
const RECIPES = recipes()
const MISSING = missingNeeds()

test('each recipe of the document is expected here, and each that is expected is in the document', () => {
  const sections = Map.groupBy(RECIPES, ({ section }) => section)
  const counts = Array.from(sections, ([section, own]) => [section, own.length])
  expect(counts).toEqual(Object.entries(EXPECTED).map(([section, { prints }]) => [section, prints.length]))
})

const runnable = Object.entries(EXPECTED).flatMap(([section, { needs, prints }]) => {
  const own = RECIPES.filter((recipe) => recipe.section === section)
  return MISSING.includes(needs)
    ? []
    : own.map((recipe, at) => ({ title: `${section}, ${at + 1}`, recipe, prints: prints[at] }))
})

describe.each([
  { how: 'without keys', env: {} },
  { how: 'with PROXY_API_KEY', env: { PROXY_API_KEY: `tool:${KEY}` } },
])('$how', ({ env }) => {
  // With keys, the recipes that show none are not for this proxy.
  const own = runnable.filter(({ recipe }) => !('PROXY_API_KEY' in env) || recipe.code.includes(KEY))
  test.each(own)('$title', async ({ recipe, prints }) => {
    await using state = await temporaryDirectory()
    const stack = { env: { PROXY_TLS_PORT: '0', ...env }, stateDirectory: state.path }
    await using demo = await startDemoOrg({ records: 20 }, stack)
    expect(await runRecipe(recipe, demo.app)).toMatch(prints ?? /never/)
    expect(JSON.stringify(demo.emulator.requests)).not.toContain(KEY)
    expect(demo.app.log()).not.toContain(KEY)
  })
})

test.each(runnable.filter(({ title }) => title.startsWith('Salesforce CLI')))(
  '$title with a session for the key',
  async ({ recipe, prints }) => {
    await using demo = await startDemoOrg({ records: 20 }, { env: { PROXY_API_KEY: `tool:${KEY}` } })
    const login = RECIPES.find(({ section }) => section === 'With PROXY_API_KEY')?.code ?? ''
    const code = `${login}\n${recipe.code.replaceAll("'00D000000000001!x'", '"$TOKEN"')}`
    expect(await runRecipe({ ...recipe, code }, demo.app)).toMatch(prints ?? /never/)
  },
)
