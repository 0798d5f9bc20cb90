import { rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Network } from 'testcontainers'
import { expect, test } from 'vitest'
import { adminUrlOf, CLIENT_SECRET, startOrg, startProxy, urlOf, writeReadable } from '../support/containers.ts'

/** As the kubelet updates a mounted Secret: a new folder, and a link beside it that is made to lead there in one step. */
async function update(folder: string, version: string, secret: string): Promise<void> {
  await writeReadable(join(folder, version), { secret })
  await symlink(version, join(folder, '..data-new'))
  await rename(join(folder, '..data-new'), join(folder, '..data'))
}

test('a secret that was swapped under the running proxy is used as soon as the old one is refused', async () => {
  await using network = await new Network().start()
  await using org = await startOrg(network)
  const mounted = join(org.folder, 'mounted')
  await update(mounted, '..1', CLIENT_SECRET)
  await symlink('..data/secret', join(mounted, 'secret'))
  await using proxy = await startProxy(network, org, {
    env: { CLOUDAWARE_CLIENT_SECRET_FILE: '/org/mounted/secret' },
  })
  const ask = async () => (await fetch(`${urlOf(proxy)}/services/data/v67.0/limits`)).status
  expect(await ask()).toBe(200)

  const secret = 'A'.repeat(64)
  await org.control(`rotate-secret?secret=${secret}`)
  await org.control('kill-sessions')
  expect(await ask()).toBe(503)
  expect((await fetch(`${adminUrlOf(proxy)}/readyz`)).status).toBe(503)

  await update(mounted, '..2', secret)
  await expect.poll(ask, { interval: 250 }).toBe(200)
  expect((await fetch(`${adminUrlOf(proxy)}/readyz`)).status).toBe(200)
})
