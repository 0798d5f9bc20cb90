import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
})
afterAll(() => folder[Symbol.asyncDispose]())

/** Where the program ends by itself: what it says, and with which exit code. */
async function told(program: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [program, ...argv], {
    env,
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code: child.exitCode }
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
  const { err } = await told(outfile, [])
  expect(err).toContain('Error: @fastify/ajv-compiler for fastify is left out of this program')
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
  const said = await told(join(ROOT, 'src/main.ts'), ['serve'], env)
  expect(said.err).toContain('The configuration is wrong')
  expect(await told(join(folder.path, ENTRY), ['serve'], env)).toEqual(said)
})

test.each([
  ['--version'],
  ['--help'],
  ['-h'],
  ['help'],
  ['status'],
  ['quit'],
  ['wait', '--max', '0s'],
  ['wait', '--help'],
  ['wait', '--print-config'],
  ['status', '--nonsense'],
])('what is in a file of its own says what the sources say: %s %s %s', async (...argv) => {
  const env = { ADMIN_PORT: '1' }
  const said = await told(join(ROOT, 'src/main.ts'), argv, env)
  expect(said.out + said.err).not.toBe('')
  expect(await told(join(folder.path, ENTRY), argv, env)).toEqual(said)
})
