import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeFolder } from '../../src/cli/code-folder.ts'
import { startChild } from '../support/child-cli.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Starts the program, which ends well, and answers what it kept. */
async function kept(state: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const options = { env: { XDG_STATE_HOME: state, ...env }, keepsItsCode: true }
  const { code, stdout, stderr } = await startChild(['--version'], options).ended
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\d+\.\d+\.\d+$/)
  return readdir(join(state, 'cloudaware-proxy/compiled'), { recursive: true }).catch(() => [])
}

test("compiled code is kept in the program's own folder, for nobody else to write to", async () => {
  await using folder = await temporaryDirectory()
  const first = await kept(folder.path)
  expect(first.length).toBeGreaterThan(5)
  const { mode } = await stat(join(folder.path, 'cloudaware-proxy/compiled'))
  expect(mode & 0o777).toBe(0o700)
  // A second start finds it all.
  expect(await kept(folder.path)).toEqual(first)
})

test('where others may write, nothing is taken from there or kept', async () => {
  await using folder = await temporaryDirectory()
  const compiled = join(folder.path, 'cloudaware-proxy/compiled')
  await mkdir(compiled, { recursive: true })
  await chmod(compiled, 0o777)
  expect(await kept(folder.path)).toEqual([])
})

test('nor through a link, nor where there is no folder to be made', async () => {
  await using folder = await temporaryDirectory()
  await mkdir(join(folder.path, 'elsewhere'))
  await mkdir(join(folder.path, 'cloudaware-proxy'))
  await symlink(join(folder.path, 'elsewhere'), join(folder.path, 'cloudaware-proxy/compiled'))
  expect(await kept(folder.path)).toEqual([])
  expect(await kept('/dev/null')).toEqual([])
})

test.each([
  { why: "Node's own setting forbids it", env: { NODE_DISABLE_COMPILE_CACHE: '1' } },
  { why: 'coverage wants code compiled anew', env: { NODE_V8_COVERAGE: '/nowhere' } },
])('nothing is kept: $why', async ({ env }) => {
  await using folder = await temporaryDirectory()
  expect(codeFolder({ HOME: folder.path, ...env })).toBeUndefined()
  expect(await readdir(folder.path)).toEqual([])
})

test('nothing is kept where nobody said whose home it would be', () => {
  expect(codeFolder({})).toBeUndefined()
})

test("Node's own setting comes first", async () => {
  await using folder = await temporaryDirectory()
  expect(await kept(folder.path, { NODE_COMPILE_CACHE: folder.file('elsewhere') })).toEqual([])
  expect(await readdir(folder.file('elsewhere'))).not.toEqual([])
})
