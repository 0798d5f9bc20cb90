import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  GenericContainer,
  getContainerRuntimeClient,
  Wait,
  type StartedNetwork,
  type StartedTestContainer,
} from 'testcontainers'
import { Agent, request } from 'undici'
import { selfSignedCertificate } from './certificates.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

/** Our image, and the base image with redis-server; both are built once, by container-setup.ts. */
export const IMAGE = 'cloudaware-proxy:container-test'
export const TOOLS_IMAGE = 'cloudaware-proxy-tools:container-test'

/** The key and secret of the invented org, the same for everybody. */
export const CLIENT_ID = '3MVG9c2sAxPMVZWughRS4Ih0KfJipwUn6Q7P5bojxf2vxnWF0lMUrCVRsT9BDIgksBlWggSCGYvMzeZPCG9Ql'
export const CLIENT_SECRET = '4E881D61AB9E99B73413541580C7D44EB5B77162EC73CA88B1D7CCE68B8BA61F'

const PORT = 8080
const ADMIN_PORT = 9090
const ORG_PORT = 8443

/** As a careful operator runs it: nothing to write to, no capability, and none to be gained. */
export class HardenedContainer extends GenericContainer {
  constructor(image: string = IMAGE) {
    super(image)
    this.hostConfig.ReadonlyRootfs = true
    this.withDroppedCapabilities('ALL').withSecurityOpt('no-new-privileges:true')
  }

  withoutHealthCheck(): this {
    this.createOpts.Healthcheck = { Test: ['NONE'] }
    return this
  }

  /** The image's own check, so often. */
  withHealthCheckEvery(seconds: number): this {
    this.createOpts.Healthcheck = { Interval: seconds * 1e9 }
    return this
  }

  /** After its quota is given: the memory of the quota is all there is. */
  withoutSwap(): this {
    this.hostConfig.MemorySwap = this.hostConfig.Memory
    return this
  }
}

/** What Dockerode can do with a container and Testcontainers cannot. */
export async function engine(): Promise<
  Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['dockerode']
> {
  return (await getContainerRuntimeClient()).container.dockerode
}

export interface OrgContainer extends AsyncDisposable {
  readonly container: StartedTestContainer
  /** On the host: a folder with `ca.pem` and `client-secret`, readable for everybody, to be mounted into proxies. */
  readonly folder: string
  /** `/__emulator/…`, see the emulator's control. */
  control(action: string): Promise<void>
  state(): Promise<{ tokenRequests: number; apiRequests: number }>
}

/** The invented org under the name `org` on the network, over https. */
export async function startOrg(network: StartedNetwork): Promise<OrgContainer> {
  const { path, [Symbol.asyncDispose]: removeFolder } = await temporaryDirectory()
  const { key, cert } = await selfSignedCertificate('org')
  const [tls, folder] = [join(path, 'tls'), join(path, 'shared')]
  await writeReadable(tls, { 'cert.pem': cert, 'key.pem': key })
  await writeReadable(folder, { 'ca.pem': cert, 'client-secret': CLIENT_SECRET })
  const flags = [
    '--host',
    '0.0.0.0',
    '--port',
    String(ORG_PORT),
    '--tls-cert-file',
    '/tls/cert.pem',
    '--tls-key-file',
    '/tls/key.pem',
  ]
  const container = await new HardenedContainer()
    .withCommand(['emulator', ...flags])
    .withNetwork(network)
    .withNetworkAliases('org')
    .withBindMounts([{ source: tls, target: '/tls', mode: 'ro' }])
    .withExposedPorts(ORG_PORT)
    .withWaitStrategy(Wait.forLogMessage('listens on'))
    .start()
  const dispatcher = new Agent({ connect: { ca: cert } })
  const ask = (action: string, method: 'GET' | 'POST') =>
    request(`https://localhost:${container.getMappedPort(ORG_PORT)}/__emulator/${action}`, { method, dispatcher })
  return {
    container,
    folder,
    async control(action) {
      const { statusCode, body } = await ask(action, 'POST')
      if (statusCode !== 204) throw new Error(`${action}: ${statusCode} ${await body.text()}`)
      await body.dump()
    },
    async state() {
      const { body } = await ask('state', 'GET')
      return (await body.json()) as Awaited<ReturnType<OrgContainer['state']>>
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy()
      await container.stop()
      await removeFolder()
    },
  }
}

/** Files that whoever runs the container may read. */
export async function writeReadable(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 })
}

export interface ProxyOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Where the proxy is reached from the host; `false` where only its own network namespace reaches it. */
  readonly isPublished?: boolean
  /** Further changes before it starts. */
  readonly adapt?: (container: HardenedContainer) => GenericContainer
}

/** The proxy on the org's network, ready. */
export async function startProxy(
  network: StartedNetwork,
  { folder }: Pick<OrgContainer, 'folder'>,
  { env = {}, isPublished = true, adapt = (container) => container }: ProxyOptions = {},
): Promise<StartedTestContainer> {
  const published = { PROXY_HOST: '0.0.0.0', PROXY_ALLOW_REMOTE: 'true', ADMIN_HOST: '0.0.0.0' }
  const container = new HardenedContainer()
    .withNetwork(network)
    .withBindMounts([{ source: folder, target: '/org', mode: 'ro' }])
    .withEnvironment({
      CLOUDAWARE_URL: `https://org:${ORG_PORT}`,
      CLOUDAWARE_CLIENT_ID: CLIENT_ID,
      CLOUDAWARE_CLIENT_SECRET_FILE: '/org/client-secret',
      CLOUDAWARE_CA_FILE: '/org/ca.pem',
      ...(isPublished ? published : {}),
      ...env,
    })
  if (isPublished) container.withExposedPorts(PORT, ADMIN_PORT).withWaitStrategy(Wait.forHttp('/readyz', ADMIN_PORT))
  else container.withWaitStrategy(Wait.forLogMessage('token obtained'))
  return adapt(container).start()
}

/** The base URL of the proxy, from the host. */
export function urlOf(proxy: StartedTestContainer, port: number = PORT): string {
  return `http://localhost:${proxy.getMappedPort(port)}`
}

export function adminUrlOf(proxy: StartedTestContainer): string {
  return urlOf(proxy, ADMIN_PORT)
}

/** An application of somebody's: a script in Node, on the network of this mode (`container:ID`, or a network's name). */
export async function startApp(script: string, networkMode: string): Promise<AppContainer> {
  const docker = await engine()
  const container = await docker.createContainer({
    Image: TOOLS_IMAGE,
    Cmd: ['node', '--input-type=module', '-e', script],
    HostConfig: { NetworkMode: networkMode },
  })
  await container.start()
  return {
    async printed() {
      return (await container.logs({ stdout: true })).toString('utf8')
    },
    async ended() {
      // Dockerode's answer is untyped.
      const { StatusCode: exitCode } = (await container.wait()) as { StatusCode: number }
      const { stdout, stderr } = await run('docker', ['logs', container.id], { maxBuffer: 64 * 1024 ** 2 })
      return { exitCode, output: `${stdout}${stderr}`.trim() }
    },
    [Symbol.asyncDispose]: () => container.remove({ force: true }),
  }
}

export interface AppContainer extends AsyncDisposable {
  /** What it has printed so far, with the engine's own bytes in front of each piece. */
  printed(): Promise<string>
  /** Its exit code and what it printed, without the last line's end. */
  ended(): Promise<{ exitCode: number; output: string }>
}

/** Waits for a container to end by itself or after a signal; its exit code. */
export async function exitCodeOf(container: Pick<StartedTestContainer, 'getId'>): Promise<number> {
  const { StatusCode } = (await (await engine()).getContainer(container.getId()).wait()) as { StatusCode: number }
  return StatusCode
}

export async function signal(
  container: Pick<StartedTestContainer, 'getId'>,
  name: 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  await (await engine()).getContainer(container.getId()).kill({ signal: name })
}
