import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { ContainerInspectInfo } from 'dockerode'
import { expect, test } from 'vitest'
import { CLIENT_ID, engine, IMAGE } from '../support/containers.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../..')
/** Version 2 is a plugin of docker, 1.29 a program of its own. */
const COMPOSE = spawnSync('docker', ['compose', 'version']).status === 0 ? ['docker', 'compose'] : ['docker-compose']

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The project of docker-compose.yml, up with our image on a free port until the test's end. */
async function composeUp({ service, env = {} }: { service?: string; env?: Readonly<Record<string, string>> } = {}) {
  const project = `cloudaware-proxy-${randomUUID().slice(0, 8)}`
  const port = await freePort()
  const compose = async (...argv: string[]) => {
    const [command = '', ...first] = COMPOSE
    const settings = { CLOUDAWARE_PROXY_IMAGE: IMAGE, PROXY_PUBLISHED_PORT: String(port), ...env }
    const options = { cwd: ROOT, env: { ...process.env, ...settings } }
    return (await run(command, [...first, '--project-name', project, ...argv], options)).stdout.trim()
  }
  const inspect = async (name: string): Promise<ContainerInspectInfo> =>
    (await engine()).getContainer(await compose('ps', '--quiet', name)).inspect()
  const down = async () => {
    await compose('down', '--volumes', '--timeout', '5')
  }
  await compose('up', '--detach', '--no-build', ...(service === undefined ? [] : [service])).catch(
    async (error: unknown) => {
      await down()
      throw error
    },
  )
  return { port, compose, inspect, [Symbol.asyncDispose]: down }
}

const HARDENED = {
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges:true'],
  LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
}

test('compose up, without any setting, answers on the loopback interface of the host alone', async () => {
  await using up = await composeUp()
  const healthOf = async (name: string) => (await up.inspect(name)).State.Health?.Status
  await expect.poll(() => healthOf('proxy'), { interval: 500 }).toBe('healthy')
  expect(await healthOf('emulator')).toBe('healthy')

  const query = 'q=SELECT+Name+FROM+CA10__CaAwsInstance__c+LIMIT+3'
  const answer = await fetch(`http://localhost:${up.port}/services/data/v67.0/query?${query}`)
  expect(await answer.json()).toMatchObject({ totalSize: 3 })

  const containers = await Promise.all(['emulator', 'proxy'].map(up.inspect))
  for (const { HostConfig, Config } of containers) {
    expect(HostConfig).toMatchObject(HARDENED)
    expect(Config.User).toBe('65532:65532')
  }
  const published = containers.flatMap(
    ({ HostConfig }) => Object.values(HostConfig.PortBindings as object).flat() as unknown[],
  )
  expect(published).toEqual([{ HostIp: '127.0.0.1', HostPort: String(up.port) }])
})

test('the service for an org of your own reads the secret from its file, as the user who may', async () => {
  await using folder = await temporaryDirectory()
  await writeFile(folder.file('client-secret'), 'secret', { mode: 0o600 })
  const owner = `${String(process.getuid?.())}:${String(process.getgid?.())}`
  await using up = await composeUp({
    service: 'org',
    env: {
      // No host has this name: a resolver's answer shows that the secret was read.
      CLOUDAWARE_URL: 'https://org.invalid',
      CLOUDAWARE_CLIENT_ID: CLIENT_ID,
      CLOUDAWARE_CLIENT_SECRET_FILE: folder.file('client-secret'),
      PROXY_USER: owner,
    },
  })
  const { HostConfig, Config } = await up.inspect('org')
  expect(HostConfig).toMatchObject(HARDENED)
  expect(Config.User).toBe(owner)
  await expect
    .poll(() => up.compose('logs', 'org'), { interval: 500 })
    .toContain('The name of the login host cannot be resolved.')
})
