import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watchSecretFile } from '../../src/token/secret-file.ts'
import type { TokenEvent } from '../../src/token/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A secret file in a directory of its own, watched. */
async function setUp({ content, isLinked = false }: { content?: string; isLinked?: boolean } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  const path = join(dir, 'secret')
  if (isLinked) {
    await mkdir(join(dir, '..v1'))
    await writeFile(join(dir, '..v1', 'secret'), content ?? '')
    await symlink('..v1', join(dir, '..data'))
    await symlink(join('..data', 'secret'), path)
  } else if (content !== undefined) await writeFile(path, content)
  const clock = new FakeClock()
  const events: TokenEvent[] = []
  let changes = 0
  const file = watchSecretFile({
    setting: 'CLOUDAWARE_CLIENT_SECRET_FILE',
    path,
    clock,
    onEvent: (event) => events.push(event),
    onChange: () => {
      changes += 1
    },
  })
  await clock.waitForSleepers(1)
  return {
    dir,
    path,
    clock,
    events,
    file,
    changes: () => changes,
    /** Lets time pass until the change is announced. */
    async announced() {
      const before = changes
      while (changes === before) {
        await clock.waitForSleepers(1)
        await clock.advance(300)
      }
    },
    async [Symbol.asyncDispose]() {
      await file.close()
      await rm(dir, { recursive: true, force: true })
      expect(clock.sleepers).toBe(0)
    },
  }
}

test('the content is read trimmed, and named by setting and file', async () => {
  await using secret = await setUp({ content: '\uFEFF one \r\n' })
  expect(await secret.file.current()).toBe('one')
  expect(secret.file.name).toBe(`CLOUDAWARE_CLIENT_SECRET_FILE (${secret.path})`)
  expect(secret.events).toEqual([])
})

test('a file written anew is announced, by fingerprint', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(secret.path, 'two')
  await secret.announced()
  expect(await secret.file.current()).toBe('two')
  expect(secret.events).toEqual([
    { type: 'secret-changed', secret: { name: secret.file.name, fingerprint: '3fc4ccfe' } },
  ])
})

test('a file renamed over the old one is announced', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(`${secret.path}.new`, 'two')
  await rename(`${secret.path}.new`, secret.path)
  await secret.announced()
  expect(await secret.file.current()).toBe('two')
})

test("a swap of Kubernetes' ..data link is announced", async () => {
  await using secret = await setUp({ content: 'one', isLinked: true })
  expect(await secret.file.current()).toBe('one')
  await mkdir(join(secret.dir, '..v2'))
  await writeFile(join(secret.dir, '..v2', 'secret'), 'two')
  await symlink('..v2', join(secret.dir, '..data_tmp'))
  await rename(join(secret.dir, '..data_tmp'), join(secret.dir, '..data'))
  await secret.announced()
  expect(await secret.file.current()).toBe('two')
})

test('what else happens in the directory is no concern', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(join(secret.dir, 'other'), 'x')
  await writeFile(secret.path, 'two')
  await secret.announced()
  expect(secret.changes()).toBe(1)
})

test('half a file is not announced', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(secret.path, 'tw')
  await secret.clock.waitForSleep(250)
  await writeFile(secret.path, 'two')
  await secret.announced()
  expect(secret.changes()).toBe(1)
  expect(secret.events.filter(({ type }) => type === 'secret-changed')).toHaveLength(1)
  expect(await secret.file.current()).toBe('two')
})

test('a token request that comes while the file is written presents the whole of it', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(secret.path, 'tw')
  const presented = secret.file.current()
  await secret.clock.waitForSleepers(2)
  await writeFile(secret.path, 'two')
  expect(await secret.clock.until(presented)).toBe('two')
})

test('a token request that comes while the file is missing for a moment presents the new content', async () => {
  await using secret = await setUp({ content: 'one' })
  await rm(secret.path)
  const presented = secret.file.current()
  await secret.clock.waitForSleepers(2)
  await writeFile(secret.path, 'two')
  expect(await secret.clock.until(presented)).toBe('two')
  if (secret.changes() === 0) await secret.announced()
  expect(secret.events.map(({ type }) => type)).toEqual(['secret-changed'])
})

test('a file that never comes to rest is taken as it is', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(secret.path, 'two')
  const read = { isOver: false }
  const presented = secret.file.current().finally(() => {
    read.isOver = true
  })
  for (let change = 0; !read.isOver; change++) {
    await writeFile(secret.path, `version ${change}`)
    await secret.clock.advance(250)
  }
  expect(await presented).toMatch(/^version \d+$/)
})

test('asked to, it looks at the file at once, and says whether that brought a change', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  const path = join(dir, 'later', 'secret')
  const clock = new FakeClock()
  const file = watchSecretFile({ setting: 'S', path, clock })
  await clock.waitForSleep(30_000)
  expect(await file.look()).toBe(false)
  await mkdir(join(dir, 'later'))
  await writeFile(path, 'one')
  const looks = [file.look(), file.look()]
  await clock.waitForSleep(250)
  await clock.advance(250)
  expect(await Promise.all(looks)).toEqual([true, true])
  const last = file.look()
  await file.close()
  expect(await last).toBe(false)
  expect(await file.look()).toBe(false)
  await rm(dir, { recursive: true })
})

test('an empty file is reported as such', async () => {
  await using secret = await setUp({ content: ' \n' })
  expect(secret.events).toMatchObject([{ type: 'secret-unreadable', error: 'EMPTY' }])
  await expect(secret.file.current()).rejects.toMatchObject({ error: 'secret_unreadable' })
})

test('nothing is announced once closed', async () => {
  await using secret = await setUp({ content: 'one' })
  await writeFile(secret.path, 'two')
  await secret.clock.waitForSleep(250)
  await secret.file.close()
  expect(secret.changes()).toBe(0)
})

test('while the file is missing or empty the last good content stands in, which is said once', async () => {
  await using secret = await setUp({ content: 'one' })
  await rm(secret.path)
  for (let time = 0; time < 2; time++) {
    expect(await secret.clock.until(secret.file.look())).toBe(false)
    expect(await secret.clock.until(secret.file.current())).toBe('one')
    expect(secret.events).toEqual([{ type: 'secret-unreadable', name: secret.file.name, error: 'ENOENT' }])
  }
  await writeFile(secret.path, ' \n')
  expect(await secret.clock.until(secret.file.current())).toBe('one')
  await writeFile(secret.path, 'two')
  await secret.announced()
  expect(await secret.file.current()).toBe('two')
})

test('a file that has never been there is an error of its own, until it comes', async () => {
  await using secret = await setUp()
  await expect(secret.file.current()).rejects.toMatchObject({ kind: 'permanent', error: 'secret_unreadable' })
  expect(secret.events).toMatchObject([{ type: 'secret-unreadable', error: 'ENOENT' }])
  await writeFile(secret.path, 'one')
  await secret.announced()
  expect(await secret.clock.until(secret.file.current())).toBe('one')
})

test('without events of the directory the file is still looked at every half minute', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  const clock = new FakeClock()
  const changed = Promise.withResolvers<undefined>()
  const path = join(dir, 'later', 'secret')
  const onChange = () => {
    changed.resolve(undefined)
  }
  const file = watchSecretFile({ setting: 'S', path, clock, onChange })
  await clock.waitForSleepers(1)
  await mkdir(join(dir, 'later'))
  await writeFile(path, 'one')
  await clock.advance(30_000)
  await clock.waitForSleepers(1)
  await clock.advance(250)
  await changed.promise
  expect(await file.current()).toBe('one')
  await file.close()
  await rm(dir, { recursive: true })
})
