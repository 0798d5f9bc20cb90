import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundle, ENTRY } from '../../scripts/bundle.ts'
import { evaluatedModules } from '../support/evaluated-modules.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What `serve` has no use for until it is asked to: other commands, the emulator, the page, and what their libraries bring. */
const ON_DEMAND =
  /^src\/(?:emulator|check)\/|^src\/page\/(?!page-files\.ts)|^src\/cli\/(?:demo|check|status|wait|quit|emulator)\.ts$|^src\/metrics\/exposition\.ts$|^src\/token-store\/redis|node_modules\/(?:prom-client|pino-pretty|selfsigned|ioredis|uplot|@jetstreamapp\/soql-parser-js)\//

/** The URLs of the files, and Node's own modules, that a `serve` has loaded when it listens. */
async function loadedBy(program: string, folder: string, more: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const list = join(folder, 'loaded')
  const env = {
    PATH: process.env.PATH,
    LOADED_MODULES: list,
    CLOUDAWARE_URL: 'http://127.0.0.1:9',
    CLOUDAWARE_CLIENT_ID: 'some-client',
    CLOUDAWARE_CLIENT_SECRET: 'some-secret-value',
    PROXY_PORT: '0',
    ADMIN_PORT: '0',
    LOG_FORMAT: 'json',
    ...more,
  }
  const hook = join(ROOT, 'test/support/loaded-modules.ts')
  const child = spawn(process.execPath, ['--import', hook, program, 'serve'], { env, cwd: folder })
  const ended = once(child, 'exit')
  for await (const line of child.stdout.setEncoding('utf8')) if (String(line).includes('"listening"')) break
  child.kill('SIGTERM')
  await ended
  return (await readFile(list, 'utf8')).split('\n')
}

/** Relative to the checkout; Node's own modules aside. */
function filesAmong(loaded: readonly string[]): string[] {
  return loaded.filter((url) => url.startsWith('file:')).map((url) => relative(ROOT, fileURLToPath(url)))
}

/** The files and modules of Node's own that \`wait\` has loaded when it finds nobody. */
async function loadedByWait(program: string, folder: string, more: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const list = join(folder, 'loaded')
  const hook = join(ROOT, 'test/support/loaded-modules.ts')
  const argv = ['--import', hook, program, 'wait', '--max', '0s']
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env.PATH, LOADED_MODULES: list, ADMIN_HOST: '0.0.0.0', ADMIN_PORT: '1', ...more },
    cwd: folder,
    stdio: 'ignore',
  })
  expect(await once(child, 'exit')).toEqual([3, null])
  return (await readFile(list, 'utf8')).split('\n')
}

test('from its sources, serve loads nothing that it does not use', async () => {
  await using folder = await temporaryDirectory()
  const files = filesAmong(await loadedBy(join(ROOT, 'src/main.ts'), folder.path))
  expect(files).toContain('src/server/proxy.ts')
  expect(files.filter((file) => ON_DEMAND.test(file))).toEqual([])
})

test('the bundled serve evaluates nothing that it does not use, and loads no more than its one large file', async () => {
  await using folder = await temporaryDirectory()
  await bundle({ root: ROOT, outdir: folder.file('dist') })
  const NODE_V8_COVERAGE = folder.file('coverage')
  const loaded = await loadedBy(folder.file(`dist/${ENTRY}`), folder.path, { NODE_V8_COVERAGE })
  const modules = await evaluatedModules(NODE_V8_COVERAGE, 'program.cjs')
  expect(modules).toContain('src/server/proxy.ts')
  expect(modules.filter((file) => ON_DEMAND.test(file))).toEqual([])
  // The settings' schema and validators were made when it was bundled; of undici only the HTTP/1.1 client is asked for.
  const large = /node_modules\/(?:typebox|ajv\/dist\/(?!runtime\/)|fast-json-stringify\/index)|\/undici\/lib\/web\//
  expect(modules.filter((file) => large.test(file))).toEqual([])
  expect(modules.length).toBeLessThan(420)
  expect(loaded.filter((url) => url.startsWith('file:') && url.includes('/dist/'))).toHaveLength(1)
  // Of Node's own, what is large and no part of a start.
  for (const name of ['http2', 'zlib', 'internal/crypto/webcrypto', 'internal/deps/undici/undici'])
    expect(loaded).not.toContain(`NativeModule ${name}`)
})

test('the bundle takes no more memory than its text needs: one byte a character, and one HTTP client', async () => {
  await using folder = await temporaryDirectory()
  const { outputs } = await bundle({ root: ROOT, outdir: folder.path })
  const programs = (await readdir(folder.path)).filter((name) => /\.[cm]js$/.test(name))
  expect(programs).toContain(ENTRY)
  for (const name of programs) expect(await readFile(join(folder.path, name), 'utf8'), name).not.toMatch(/[^\0-\x7f]/)
  const inside = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const clients = inside.filter((path) => path.endsWith('undici/lib/dispatcher/client.js'))
  expect(clients).toEqual(['node_modules/undici/lib/dispatcher/client.js'])
})

test('wait, the health check of a container, loads a client and no more: neither settings nor what node:http drags in', async () => {
  await using folder = await temporaryDirectory()
  const loaded = await loadedByWait(join(ROOT, 'src/main.ts'), folder.path)
  const files = filesAmong(loaded)
  expect(files).toContain('src/cli/wait.ts')
  expect(files).not.toContain('src/config.ts')
  expect(files.filter((file) => /node_modules\/(?!close-with-grace\/)/.test(file))).toEqual([])
  expect(loaded).toContain('NativeModule http')
  expect(loaded).not.toContain('NativeModule internal/deps/undici/undici')
  expect(loaded).not.toContain('NativeModule http2')
})

test('bundled, it has a small file of its own, and reads nothing of the large one', async () => {
  await using folder = await temporaryDirectory()
  await bundle({ root: ROOT, outdir: folder.file('dist') })
  const NODE_V8_COVERAGE = folder.file('coverage')
  const loaded = await loadedByWait(folder.file(`dist/${ENTRY}`), folder.path, { NODE_V8_COVERAGE })
  expect(await evaluatedModules(NODE_V8_COVERAGE, 'program.cjs')).toEqual([])
  const modules = await evaluatedModules(NODE_V8_COVERAGE, 'client.cjs')
  expect(modules).toContain('src/cli/wait.ts')
  expect(modules).not.toContain('src/config.ts')
  expect(modules.length).toBeLessThan(25)
  expect((await stat(folder.file('dist/client.cjs'))).size).toBeLessThan(150_000)
  for (const name of ['http2', 'crypto', 'internal/deps/undici/undici'])
    expect(loaded).not.toContain(`NativeModule ${name}`)
})
