import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundle, ENTRY } from '../../scripts/bundle.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What `serve` has no use for until it is asked to: other commands, the emulator, the page, and what their libraries bring. */
const ON_DEMAND =
  /^src\/(?:emulator|check)\/|^src\/page\/(?!page-files\.ts)|^src\/cli\/(?:demo|check|status|wait|quit|emulator)\.ts$|^src\/metrics\/exposition\.ts$|^src\/token-store\/redis|node_modules\/(?:prom-client|pino-pretty|selfsigned|ioredis|uplot|@jetstreamapp\/soql-parser-js)\//

/** The files, relative to the checkout, that a `serve` has loaded when it listens. Node's own modules aside. */
async function loadedBy(program: string, folder: string): Promise<string[]> {
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
  }
  const hook = join(ROOT, 'test/support/loaded-modules.ts')
  const child = spawn(process.execPath, ['--import', hook, program, 'serve'], { env, cwd: folder })
  const ended = once(child, 'exit')
  for await (const line of child.stdout.setEncoding('utf8')) if (String(line).includes('"listening"')) break
  child.kill('SIGTERM')
  await ended
  const urls = (await readFile(list, 'utf8')).split('\n').filter((url) => url.startsWith('file:'))
  return urls.map((url) => relative(ROOT, fileURLToPath(url)))
}

/** The files and modules of Node's own that \`wait\` has loaded when it finds nobody. */
async function loadedByWait(program: string, folder: string): Promise<string[]> {
  const list = join(folder, 'loaded')
  const hook = join(ROOT, 'test/support/loaded-modules.ts')
  const argv = ['--import', hook, program, 'wait', '--max', '0s']
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env.PATH, LOADED_MODULES: list, ADMIN_HOST: '0.0.0.0', ADMIN_PORT: '1' },
    cwd: folder,
    stdio: 'ignore',
  })
  expect(await once(child, 'exit')).toEqual([3, null])
  return (await readFile(list, 'utf8')).split('\n')
}

test('from its sources, serve loads nothing that it does not use', async () => {
  await using folder = await temporaryDirectory()
  const files = await loadedBy(join(ROOT, 'src/main.ts'), folder.path)
  expect(files).toContain('src/server/proxy.ts')
  expect(files.filter((file) => ON_DEMAND.test(file))).toEqual([])
})

test('the bundled serve loads no chunk that holds what it does not use', async () => {
  await using folder = await temporaryDirectory()
  const { outputs } = await bundle({ root: ROOT, outdir: folder.path })
  const chunks = new Map(
    Object.entries(outputs).map(([path, { inputs }]) => [relative(ROOT, resolve(ROOT, path)), inputs]),
  )
  const files = await loadedBy(join(folder.path, ENTRY), folder.path)
  const inside = files.flatMap((file) => Object.keys(chunks.get(file) ?? {}))
  expect(inside).toContain('src/server/proxy.ts')
  expect(inside.filter((file) => ON_DEMAND.test(file))).toEqual([])
  // The settings' schema and validators were made when it was bundled.
  expect(inside.filter((file) => /node_modules\/(?:typebox|ajv\/dist\/(?!runtime\/))/.test(file))).toEqual([])
})

test('the bundle takes no more memory than its text needs: one byte a character, and one HTTP client', async () => {
  await using folder = await temporaryDirectory()
  const { outputs } = await bundle({ root: ROOT, outdir: folder.path })
  const programs = (await readdir(folder.path)).filter((name) => name.endsWith('.mjs'))
  expect(programs).toContain(ENTRY)
  for (const name of programs) expect(await readFile(join(folder.path, name), 'utf8'), name).not.toMatch(/[^\0-\x7f]/)
  const inside = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const clients = inside.filter((path) => path.endsWith('undici/lib/dispatcher/client.js'))
  expect(clients).toEqual(['node_modules/undici/lib/dispatcher/client.js'])
})

test('wait, the health check of a container, loads a client and no more: neither settings nor what node:http drags in', async () => {
  await using folder = await temporaryDirectory()
  const loaded = await loadedByWait(join(ROOT, 'src/main.ts'), folder.path)
  const files = loaded.filter((url) => url.startsWith('file:')).map((url) => relative(ROOT, fileURLToPath(url)))
  expect(files).toContain('src/cli/wait.ts')
  expect(files).not.toContain('src/config.ts')
  expect(files.filter((file) => /node_modules\/(?!close-with-grace\/)/.test(file))).toEqual([])
  expect(loaded).toContain('NativeModule http')
  expect(loaded).not.toContain('NativeModule internal/deps/undici/undici')
  expect(loaded).not.toContain('NativeModule http2')
})
