import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { RunningApp } from './stack.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

export type Language = 'sh' | 'js' | 'python'

/** A fenced block of docs/tools.md. */
export interface Recipe {
  readonly section: string
  readonly language: Language
  readonly code: string
}

const ROOT = new URL('../../', import.meta.url)

/** Where `npm run tools` puts the tools of others. */
export const TOOLS = fileURLToPath(new URL('.cache/tools/node_modules', ROOT))

/** The document's runnable blocks, in order. */
export function recipes(): readonly Recipe[] {
  const document = readFileSync(new URL('docs/tools.md', ROOT), 'utf8')
  return document
    .split(/^## /m)
    .slice(1)
    .flatMap((text) => {
      const section = text.split('\n')[0] ?? ''
      // A section that says so is for the reader alone.
      if (/^Not run by our tests/m.test(text)) return []
      return Array.from(text.matchAll(/^```(sh|js|python)\n(.*?)^```$/gms), ([, language, code = '']) => ({
        section,
        language: language as Language, // of the expression's three
        code,
      }))
    })
}

/** The addresses of the document are those of this proxy, whose listeners are on any free port. */
function addressed(code: string, app: RunningApp): string {
  return code
    .replaceAll('http://localhost:8080', app.url.replace('127.0.0.1', 'localhost'))
    .replaceAll('https://localhost:8443', app.tls?.url.replace('127.0.0.1', 'localhost') ?? '')
    .replaceAll('~/.local/state/cloudaware-proxy/tls/localhost.crt', app.tls?.certificate ?? '')
}

/** Runs a recipe as its reader would, in a home of its own, and gives what it prints. Rejects where it fails. */
export async function runRecipe({ language, code }: Recipe, app: RunningApp): Promise<string> {
  await using home = await temporaryDirectory()
  const ours = fileURLToPath(new URL('node_modules', ROOT))
  const env = {
    PATH: `${TOOLS}/.bin:${process.env.PATH ?? ''}`,
    HOME: home.path,
    SF_DISABLE_TELEMETRY: 'true',
    SF_AUTOUPDATE_DISABLE: 'true',
    SF_USE_GENERIC_UNIX_KEYCHAIN: 'true',
  }
  const options = { env, cwd: home.path, maxBuffer: 50_000_000 }
  const text = addressed(code, app)
  if (language === 'sh') return await output(run('sh', ['-e', '-c', text], options))
  if (language === 'python') return await output(run('python3', ['-c', text], options))
  // Imports are looked up beside the program.
  await mkdir(home.file('node_modules'))
  for (const name of imported(text)) {
    const room = name === 'jsforce' ? ours : TOOLS
    await symlink(`${room}/${name}`, home.file(`node_modules/${name}`))
  }
  await writeFile(home.file('recipe.mjs'), text)
  return await output(run(process.execPath, ['recipe.mjs'], options))
}

function imported(code: string): string[] {
  return Array.from(code.matchAll(/^import .* from '([^']+)'$/gm), ([, name = '']) => name)
}

async function output(running: Promise<{ stdout: string }>): Promise<string> {
  return (await running).stdout
}
