import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startDemoOrg } from '../support/demo-org.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ask } from '../support/http-client.ts'
import { passPatiently } from '../support/patient-time.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LIMITS = '/services/data/v62.0/limits'

/** A secret as Kubernetes mounts it: a link to a link to a directory that is swapped whole. */
async function mountedSecret(content: string) {
  const directory = await temporaryDirectory()
  let version = 0
  const mount = async (secret: string) => {
    version += 1
    await mkdir(directory.file(`..v${version}`))
    await writeFile(directory.file(`..v${version}/secret`), secret)
    await symlink(`..v${version}`, directory.file('..data_tmp'))
    await rename(directory.file('..data_tmp'), directory.file('..data'))
  }
  await mount(content)
  const path = directory.file('secret')
  await symlink('..data/secret', path)
  return {
    path,
    /** As kubelet does it. */
    swap: mount,
    /** As an editor or Vault's agent does it: a plain file instead of the link, put in its place whole. */
    replace: async (secret: string) => {
      await writeFile(directory.file('secret.new'), secret)
      await rename(directory.file('secret.new'), path)
    },
    /** As a careless script does it: gone for a moment, and written in two pieces. */
    rewrite: async (secret: string) => {
      await rm(path)
      await writeFile(path, secret.slice(0, 3))
      await writeFile(path, secret)
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

test('three days over real sockets, with outages, logouts and a rotation a day, fail no request', async () => {
  const clock = new FakeClock()
  await using secret = await mountedSecret('the-first-secret')
  await using stack = await startDemoOrg(
    { clock, records: 10, sessionTimeoutMs: 15 * MINUTE, clientSecret: 'the-first-secret' },
    { clock, env: { CLOUDAWARE_CLIENT_SECRET_FILE: secret.path } },
  )
  const { app, emulator } = stack
  const { org } = emulator
  const replacements = [secret.swap, secret.replace, secret.rewrite]
  const happenings = new Map<number, () => void | Promise<void>>()
  replacements.forEach((replace, day) => {
    const start = day * DAY
    const next = `secret-number-${day + 2}`
    happenings.set(start + 2 * HOUR, () => {
      org.fail(day === 1 ? 'server-error' : 'html-503')
    })
    happenings.set(start + 2 * HOUR + 10 * MINUTE, () => {
      org.heal()
    })
    happenings.set(start + 9 * HOUR, async () => {
      org.rotateSecret(next)
      await replace(next)
      // The file is looked at in real time; what it leads to is left to the clock.
      await clock.until(app.tokenEvent('secret-changed', day + 1))
    })
    happenings.set(start + 12 * HOUR, () => {
      org.killSessions()
    })
  })

  const statuses = new Map<number, number>()
  for (let at = 0; at < 3 * DAY; at += 10 * MINUTE) {
    await happenings.get(at)?.()
    const { status } = await ask(app.port, LIMITS)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    await passPatiently(app, 10 * MINUTE, [clock])
  }

  expect(Object.fromEntries(statuses)).toEqual({ 200: 3 * 144 })
  expect(app.tokenEvents.filter(({ type }) => type === 'secret-changed')).toHaveLength(3)
  const reloads = app.tokenEvents.filter((event) => event.type === 'unchanged' && event.reason === 'reload')
  expect(reloads).toHaveLength(3)
  expect(app.tokenEvents.filter(({ type }) => type === 'refused')).toHaveLength(3)
  expect(org.tokenRequests / 3).toBeLessThan(130)
  expect(app.log()).not.toMatch(/the-first-secret|secret-number/)
})
