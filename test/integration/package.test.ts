import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { packAndInstall, type Packed } from '../support/packed.ts'

let packed: Packed
beforeAll(async () => {
  packed = await packAndInstall()
})
afterAll(async () => {
  await packed[Symbol.asyncDispose]()
})

const installed = () => join(packed.prefix, 'lib/node_modules/cloudaware-proxy')
const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(join(packed.prefix, 'bin/cloudaware-proxy'), argv, {
    env: { PATH: dirname(process.execPath), ...env },
    cwd: packed.prefix,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  return {
    child,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** What the first match of `pattern` in its output captures. */
async function printed({ child }: ReturnType<typeof start>, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const [, found] = pattern.exec(line) ?? []
    if (found !== undefined) return found
  }
  throw new Error(`ended without ${String(pattern)}`)
}

test('the package holds the bundle and what a user reads, and nothing of the development', async () => {
  const files = await readdir(installed(), { recursive: true, withFileTypes: true })
  const names = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const ours = names.map((name) => name.slice(installed().length + 1))
  const bundle = ours.filter((name) => /^dist\/[\w-]+\.[cm]js$/.test(name))
  expect(bundle).toEqual(expect.arrayContaining(['dist/main.mjs', 'dist/program.cjs']))
  const page = ours.filter((name) => /^dist\/static\/[\w.-]+\.(?:html|css|js|svg)$/.test(name))
  expect(page).toEqual(expect.arrayContaining(['dist/static/index.html', 'dist/static/uplot.js']))
  expect(ours.filter((name) => !bundle.includes(name) && !page.includes(name)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'config.example.env',
    'dist/THIRD-PARTY-NOTICES.txt',
    'dist/sbom.json',
    'package.json',
  ])
  const manifest = await json(join(installed(), 'package.json'))
  expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(['dependencies']))
  expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(['devDependencies']))
  expect(manifest).not.toHaveProperty('scripts')
  for (const name of bundle) {
    // The development tools are named in package.json alone, of which the bundle has the version only.
    expect(await readFile(join(installed(), name), 'utf8')).not.toContain('"vitest"')
  }
})

test('publint has nothing to say of it', async () => {
  const tarball = await readFile(packed.tarball)
  const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(tarball).buffer } })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

test('packing leaves the package.json of the checkout as it was, even after a pack that was broken off', async () => {
  const path = join(packed.checkout, 'package.json')
  const text = await readFile(path, 'utf8')
  const packManifest = (what: 'strip' | 'restore') =>
    execFileSync(process.execPath, [join(packed.checkout, 'scripts/pack-manifest.ts'), what])
  expect(JSON.parse(text)).toHaveProperty('dependencies.fastify')
  packManifest('strip')
  expect(await json(path)).not.toHaveProperty('dependencies')
  packManifest('strip')
  packManifest('restore')
  expect(await readFile(path, 'utf8')).toBe(text)
})

test('the installed program answers without a login and stops with 0', async () => {
  await using org = await startEmulator()
  await using proxy = start(['serve', '--proxy-port=0', '--admin-port=0'], {
    CLOUDAWARE_URL: org.url,
    CLOUDAWARE_CLIENT_ID: org.clientId,
    CLOUDAWARE_CLIENT_SECRET: org.clientSecret,
  })
  const url = await printed(proxy, /"url":"([^"]+)"/)
  const limits = await fetch(`${url}/services/data/v67.0/limits`)
  expect(limits.status).toBe(200)
  expect(await limits.json()).toHaveProperty('DailyApiRequests')
  proxy.child.kill('SIGTERM')
  expect(await proxy.exited).toEqual([0, null])
})

test('the installed status page is whole: every file that it names is served', async () => {
  await using demo = start(['demo', '--proxy-port=0', '--admin-port=0'])
  const admin = await printed(demo, /How it is doing, in a browser: (http:\/\/[^/]+)\//)
  const read = async (path: string) => {
    const answer = await fetch(new URL(path, admin))
    expect([path, answer.status]).toEqual([path, 200])
    return answer.text()
  }
  const seen = new Set<string>()
  const wanted = ['/']
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    seen.add(path)
    const named = (await read(path)).matchAll(/(?:src|href)="(\/page\/[^"]+)"|from '\.\/([\w.-]+)'/g)
    for (const [, absolute, relative] of named) {
      const next = absolute ?? `/page/${String(relative)}`
      if (!seen.has(next)) wanted.push(next)
    }
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(['/page/page.js', '/page/uplot.js', '/page/uplot.css', '/page/page.css']),
  )
})

test('the installed demo brings its own org', async () => {
  await using demo = start(['demo', '--proxy-port=0', '--admin-port=0'])
  const url = await printed(demo, /Salesforce tool at\s+(\S+)/)
  const query = await fetch(`${url}/services/data/v67.0/query?q=SELECT+Name+FROM+CA10__CaAwsInstance__c+LIMIT+3`)
  expect(await query.json()).toMatchObject({ totalSize: 3 })
})

test('the installed program says its version, and ends with 2 where the configuration is wrong', async () => {
  const { version } = await json(join(packed.checkout, 'package.json'))
  await using told = start(['--version'])
  expect(await printed(told, /^(.+)$/)).toBe(version)
  await using unknown = start(['--proxy-port=x'])
  expect(await unknown.exited).toEqual([2, null])
})

test('the bill of materials is valid, names the libraries inside, and comes out the same again', async () => {
  const text = await readFile(join(installed(), 'dist/sbom.json'), 'utf8')
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull()
  const { components } = JSON.parse(text) as { components: { name: string; version: string }[] }
  const { dependencies } = (await json(join(packed.checkout, 'package.json'))) as {
    dependencies: Record<string, string>
  }
  const named = Object.fromEntries(components.map(({ name, version }) => [name, version]))
  for (const name of ['fastify', '@fastify/http-proxy', 'pino', 'typebox', 'uplot'])
    expect(named[name]).toBe(dependencies[name])
  expect(named).not.toHaveProperty('vitest')
  await packed.npm('run', '--silent', 'build')
  expect(existsSync(join(packed.checkout, 'dist/main.mjs'))).toBe(true)
  expect(await readFile(join(packed.checkout, 'dist/sbom.json'), 'utf8')).toBe(text)
  const again = await readdir(join(packed.checkout, 'dist'))
  expect(again.sort()).toEqual((await readdir(join(installed(), 'dist'))).sort())
})
