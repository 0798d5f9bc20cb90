import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle, ENTRY } from '../../scripts/bundle.ts'
import { leftOut } from '../../scripts/left-out.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = resolve(import.meta.dirname, '../..')

let folder: Awaited<ReturnType<typeof temporaryDirectory>>
let inside: string[]
beforeAll(async () => {
  folder = await temporaryDirectory()
  const { outputs } = await bundle({ root: ROOT, outdir: folder.path })
  inside = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))
}, 60_000)
afterAll(() => folder[Symbol.asyncDispose]())

/** Where the program ends by itself: what it says on the standard error. */
async function complaint(program: string, env: Readonly<Record<string, string>>): Promise<string> {
  const argv = [program, 'serve']
  const child = spawn(process.execPath, argv, { env, cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'] })
  return text(child.stderr)
}

test('of its libraries the bundle holds what serving comes to, and not what they load beside it', () => {
  expect(inside).toContain('node_modules/undici/lib/dispatcher/client-h1.js')
  const unused =
    /node_modules\/(?:ws|light-my-request|@fastify\/ajv-compiler|json-schema-ref-resolver)\/|undici\/(?:index\.js|lib\/(?:mock|cache|interceptor|milo|web\/(?:cookies|websocket|eventsource|cache)\/))|\/ajv\/dist\/(?!runtime\/)/
  expect(inside.filter((path) => unused.test(path))).toEqual([])
})

test('what is left out says so when it is used', async () => {
  const outfile = folder.file('schemas.cjs')
  await build({
    stdin: { contents: "import Fastify from 'fastify'\nFastify()", resolveDir: ROOT },
    bundle: true,
    outfile,
    platform: 'node',
    plugins: [leftOut(ROOT)],
  })
  expect(await complaint(outfile, {})).toContain('Error: @fastify/ajv-compiler for fastify is left out of this program')
})

test.each([
  { what: 'nothing is set', env: {} },
  {
    what: 'everything is malformed',
    env: {
      CLOUDAWARE_URL: 'ftp://org.example.com',
      CLOUDAWARE_CLIENT_ID: 'some-client',
      CLOUDAWARE_GRANT_TYPE: 'password',
      PROXY_PORT: '1e3',
      PROXY_API_KEY: 'short',
      PROXY_READ_ONLY: 'perhaps',
      PROXY_ALLOWED_PATHS: '/services,nowhere',
      ADMIN_PORT: '70000',
      TOKEN_LIFETIME_SECONDS: '0',
    },
  },
])('validators that were compiled ahead say what ajv says where $what', async ({ env }) => {
  const said = await complaint(join(ROOT, 'src/main.ts'), env)
  expect(said).toContain('The configuration is wrong')
  expect(await complaint(join(folder.path, ENTRY), env)).toBe(said)
})
