import { Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers'
import { CLIENT_ID, engine, HardenedContainer, startApp, type OrgContainer } from './containers.ts'

export interface Measured {
  /** From the container's start to its first sign of being ready, milliseconds. */
  readonly readyMs: number
  /** The working set some seconds after that, MiB. */
  readonly restingMiB: number
  /** The most that its control group ever held, MiB: health checks, the kernel's buffers and cached files included; null where the kernel does not tell (before 5.19, version 2). */
  readonly peakMiB: number | null
  /** Processor time under the load, milliseconds. */
  readonly loadedCpuMs: number
  /** How many answers there were of each status; 0 stands for none. */
  readonly statuses: Readonly<Record<string, number>>
  /** How many of its processes the kernel has ended for want of memory. */
  readonly oomKills: number
  readonly isRunning: boolean
  readonly restarts: number
  /** `healthy` and the like; undefined without a health check. */
  readonly health: string | undefined
}

const MIB = 1024 ** 2

export interface Load {
  readonly requests: number
  /** Of those so many a second, each at its time whatever became of the last one … */
  readonly rate: number
  /** … as long as no more than these are under way: a machine that cannot keep up gets fewer. */
  readonly openAtMost: number
}

/** An application in the network namespace of the container. */
const callers = ({ requests, rate, openAtMost }: Load) => `
const statuses = {}
let [asked, open] = [0, 0]
const ask = async () => {
  const answer = await fetch('http://localhost:8080/services/data/v67.0/limits')
  await answer.arrayBuffer()
  return answer.status
}
const settle = (status) => { open--; statuses[status] = (statuses[status] ?? 0) + 1 }
const began = performance.now()
const tick = () => {
  const due = Math.min(${requests}, ((performance.now() - began) / 1000) * ${rate})
  for (; asked < due && open < ${openAtMost}; asked++) {
    open++
    ask().then(settle, () => settle(0))
  }
  if (asked < ${requests} || open > 0) setTimeout(tick, 5)
  else console.log(JSON.stringify(statuses))
}
tick()`

export interface LimitedOptions {
  readonly network: StartedNetwork
  readonly org: OrgContainer
  /** Half a processor and 128 MiB are given to it, and nothing to swap to. */
  readonly container: HardenedContainer
  /** A line of its log that says that it is ready. */
  readonly readyLine: RegExp
  /** Further folders of the host. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[]
  readonly load: Load
}

/** This proxy, with its health check six times as often as the image has it. */
export function limitedProxy(): Pick<LimitedOptions, 'container' | 'readyLine'> {
  const container = new HardenedContainer().withHealthCheckEvery(5).withEnvironment({
    CLOUDAWARE_URL: 'https://org:8443',
    CLOUDAWARE_CLIENT_ID: CLIENT_ID,
    CLOUDAWARE_CLIENT_SECRET_FILE: '/org/client-secret',
    CLOUDAWARE_CA_FILE: '/org/ca.pem',
  })
  return { container, readyLine: /token obtained/ }
}

/** What a container does with half a processor and 128 MiB. */
export async function measureLimited(options: LimitedOptions): Promise<Measured> {
  const { network, org, container, readyLine, load, mounts = [] } = options
  container
    .withNetwork(network)
    .withBindMounts([{ source: org.folder, target: '/org', mode: 'ro' }, ...mounts])
    .withResourcesQuota({ cpu: 0.5, memory: 0.125 })
    .withoutSwap()
    .withWaitStrategy(Wait.forLogMessage(readyLine))
  await using started = await container.start()
  const readyMs = await sinceStart(started, readyLine)
  const { workingSetMiB: restingMiB, cpuMs: cpuMsBefore } = await restingStatsOf(started)
  await using app = await startApp(callers(load), `container:${started.getId()}`)
  const { output } = await app.ended()
  if (!output.startsWith('{')) throw new Error(`the application failed: ${output}`)
  const { State: state, RestartCount: restarts } = await (await engine()).getContainer(started.getId()).inspect()
  const isRunning = state.Running
  const { cpuMs } = await statsOf(started)
  const group = isRunning ? await controlGroupOf(started) : { peakMiB: Number.NaN, oomKills: Number(state.OOMKilled) }
  return {
    readyMs,
    restingMiB,
    ...group,
    loadedCpuMs: cpuMs - cpuMsBefore,
    // What the application prints.
    statuses: JSON.parse(output) as Measured['statuses'],
    isRunning,
    restarts,
    health: state.Health?.Status,
  }
}

async function sinceStart(started: StartedTestContainer, readyLine: RegExp): Promise<number> {
  const container = (await engine()).getContainer(started.getId())
  const { State: state } = await container.inspect()
  const log = await container.logs({ stdout: true, stderr: true, timestamps: true })
  const line =
    log
      .toString('utf8')
      .split('\n')
      .find((text) => readyLine.test(text)) ?? ''
  const at = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(line)?.[0] ?? ''
  return Date.parse(at) - Date.parse(state.StartedAt)
}

/** The engine looks at a container for a second or two at a time. */
async function restingStatsOf(started: StartedTestContainer): ReturnType<typeof statsOf> {
  await statsOf(started)
  await statsOf(started)
  return statsOf(started)
}

/** The working set is what the kubelet counts: what cannot be dropped at once. */
async function statsOf(started: StartedTestContainer): Promise<{ workingSetMiB: number; cpuMs: number }> {
  const { memory_stats: memory, cpu_stats: cpu } = await (
    await engine()
  )
    .getContainer(started.getId())
    .stats({ stream: false })
  // The two versions of control groups name it differently; of a container that has ended nothing is told.
  const { usage = Number.NaN, stats = {} } = memory as { usage?: number; stats?: Readonly<Record<string, number>> }
  const droppable = stats.total_inactive_file ?? stats.inactive_file ?? 0
  return { workingSetMiB: (usage - droppable) / MIB, cpuMs: cpu.cpu_usage.total_usage / 1e6 }
}

/** Read by a process of the container itself, whose own few MiB count too: so it is the same with an engine on another machine. */
const CONTROL_GROUP = `
const { existsSync, readFileSync } = require('node:fs')
const root = '/sys/fs/cgroup/'
const [peak, events] = existsSync(root + 'memory.events')
  ? ['memory.peak', 'memory.events']
  : ['memory/memory.max_usage_in_bytes', 'memory/memory.oom_control']
const peakMiB = existsSync(root + peak) ? Number(readFileSync(root + peak, 'utf8')) / ${MIB} : null
const oomKills = Number(/^oom_kill (\\d+)$/m.exec(readFileSync(root + events, 'utf8'))[1])
console.log(JSON.stringify({ peakMiB, oomKills }))`

async function controlGroupOf(started: StartedTestContainer): Promise<Pick<Measured, 'peakMiB' | 'oomKills'>> {
  const { exitCode, output } = await started.exec(['node', '-e', CONTROL_GROUP])
  if (exitCode !== 0) throw new Error(`the control group cannot be read: ${output}`)
  // What it prints.
  return JSON.parse(output) as Pick<Measured, 'peakMiB' | 'oomKills'>
}
