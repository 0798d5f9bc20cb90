import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A function that V8 compiles when it is called, and no sooner; `work` says whether it is. */
const PROGRAM = `(function (exports, require, module, __filename) {
  function work(n) { ${Array.from({ length: 20_000 }, (_, n) => `if (n > ${n}) n = n * 2 + ${n} / (n || 1);`).join(' ')} return n }
  exports.file = __filename
  if (process.env.WORK === '1') exports.worked = work(1) > 0
})`

interface Run {
  readonly digest?: string
  readonly isWorking?: boolean
  /** The exit code, at once; or it stays until it has kept something else. */
  readonly end?: string
}

async function laboratory() {
  const folder = await temporaryDirectory()
  const [program, kept] = [folder.file('program.cjs'), folder.file('kept')]
  await writeFile(program, PROGRAM)
  const start = ({ digest = 'a', isWorking = false, end = '0' }: Run) => {
    const argv = [join(import.meta.dirname, '../support/run-kept.ts'), program, digest, kept, end]
    return spawn(process.execPath, argv, { env: { WORK: isWorking ? '1' : '0' }, stdio: ['pipe', 'pipe', 'inherit'] })
  }
  return {
    ...folder,
    program,
    kept,
    start,
    async run(how: Run = {}): Promise<unknown> {
      const child = start(how)
      const [told] = await Promise.all([text(child.stdout), once(child, 'exit')])
      return JSON.parse(told)
    },
  }
}

test('what V8 compiled is kept at the end of a run that went well, for its user alone, and taken by the next', async () => {
  await using lab = await laboratory()
  const { program: file } = lab
  expect(await lab.run()).toEqual({ exports: { file }, isKept: false })
  expect((await stat(lab.kept)).mode & 0o777).toBe(0o600)
  expect(await lab.run()).toEqual({ exports: { file }, isKept: true })
})

test('it is the code of functions that were called, not of those that were only there', async () => {
  await using idle = await laboratory()
  await using working = await laboratory()
  await idle.run()
  await working.run({ isWorking: true })
  expect((await stat(working.kept)).size).toBeGreaterThan((await stat(idle.kept)).size + 2000)
})

test('of a run that failed nothing is kept', async () => {
  await using lab = await laboratory()
  await lab.run({ end: '2' })
  await expect(stat(lab.kept)).rejects.toThrow('ENOENT')
})

test.each([
  { what: 'another program', digest: 'b', damage: (bytes: Buffer) => bytes },
  { what: 'a damaged one', digest: 'a', damage: (bytes: Buffer) => bytes.fill(7, bytes.length / 2) },
  { what: 'half of one', digest: 'a', damage: (bytes: Buffer) => bytes.subarray(0, bytes.length / 2) },
  { what: 'nothing', digest: 'a', damage: () => Buffer.alloc(0) },
])('$what is not taken, and replaced', async ({ digest, damage }) => {
  await using lab = await laboratory()
  await lab.run()
  await writeFile(lab.kept, damage(await readFile(lab.kept)))
  expect(await lab.run({ digest })).toMatchObject({ isKept: false })
  expect(await lab.run({ digest })).toMatchObject({ isKept: true })
})

test('a program that stays keeps it while it runs, and again where much more was called than before', async () => {
  await using lab = await laboratory()
  const content = () => readFile(lab.kept, 'latin1').catch(() => '')
  await lab.run()
  const before = await content()
  const second = lab.start({ isWorking: true, end: 'stay' })
  await expect.poll(content).not.toBe(before)
  const after = await content()
  expect(after.length).toBeGreaterThan(before.length)
  second.stdin.end()
  await once(second, 'exit')
  // Not much more: it stays as it is.
  const third = lab.start({ isWorking: true, end: 'stay' })
  await once(third.stdout, 'data')
  third.stdin.end()
  await once(third, 'exit')
  expect(await content()).toBe(after)
})

test('where nothing can be written the program runs', async () => {
  await using lab = await laboratory()
  await mkdir(lab.kept)
  expect(await lab.run()).toMatchObject({ isKept: false })
  expect(await readdir(lab.path)).toEqual(['kept', 'program.cjs'])
})
