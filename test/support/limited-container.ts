import { Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers'
import type { HardenedContainer } from './containers.ts'
import { engine, startApp, type OrgContainer } from './containers.ts'

export interface Measured {
  /** From the container's start to its first sign of being ready, milliseconds. */
  readonly readyMs: number
  /** Working sets, MiB: five seconds after that, and the most that was seen under load. */
  readonly restingMiB: number
  readonly loadedMiB: number
  /** How many answers there were of each status; 0 stands for none. */
  readonly statuses: Readonly<Record<string, number>>
  readonly isKilled: boolean
}

const MIB = 1024 ** 2

/** An application in the network namespace of the container: so many requests a second, each at its time whatever became of the last one. */
const load = (seconds: number, rate: number) => `
const statuses = {}
const count = (status) => { statuses[status] = (statuses[status] ?? 0) + 1 }
const ask = async () => {
  const answer = await fetch('http://localhost:8080/services/data/v67.0/limits')
  await answer.arrayBuffer()
  return answer.status
}
const began = Date.now()
const asked = []
const tick = () => {
  const due = Math.min((Date.now() - began) / 1000, ${seconds}) * ${rate}
  while (asked.length < due) asked.push(ask().then(count, () => count(0)))
  if (asked.length < ${seconds * rate}) setTimeout(tick, 5)
  else Promise.all(asked).then(() => console.log(JSON.stringify(statuses)))
}
tick()`

export interface LimitedOptions {
  readonly network: StartedNetwork
  readonly org: OrgContainer
  /** Half a processor and 128 MiB are given to it. */
  readonly container: HardenedContainer
  /** A line of its log that says that it is ready. */
  readonly readyLine: RegExp
  /** Further folders of the host. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[]
  readonly seconds: number
  readonly rate: number
}

/** What a container does with half a processor and 128 MiB. */
export async function measureLimited(options: LimitedOptions): Promise<Measured> {
  const { network, org, container, readyLine, seconds, rate, mounts = [] } = options
  container
    .withNetwork(network)
    .withBindMounts([{ source: org.folder, target: '/org', mode: 'ro' }, ...mounts])
    .withResourcesQuota({ cpu: 0.5, memory: 0.125 })
    .withWaitStrategy(Wait.forLogMessage(readyLine))
  await using started = await container.start()
  const readyMs = await sinceStart(started, readyLine)
  await using app = await startApp(load(seconds, rate), `container:${started.getId()}`)
  const restingMiB = await workingSetMiB(started)
  const done = new AbortController()
  const peak = highest(started, done.signal)
  const { output } = await app.ended()
  done.abort()
  const { State: state } = await (await engine()).getContainer(started.getId()).inspect()
  if (!output.startsWith('{')) throw new Error(`the application failed: ${output}`)
  // What the application prints.
  const statuses = JSON.parse(output) as Measured['statuses']
  return { readyMs, restingMiB, loadedMiB: await peak, statuses, isKilled: state.OOMKilled || !state.Running }
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

/** As the kubelet counts it: what cannot be dropped at once. */
async function workingSetMiB(started: StartedTestContainer): Promise<number> {
  const { memory_stats: memory } = await (await engine()).getContainer(started.getId()).stats({ stream: false })
  // The two versions of control groups name it differently; of a container that has ended nothing is told.
  const { usage = 0, stats = {} } = memory as { usage?: number; stats?: Readonly<Record<string, number>> }
  return (usage - (stats.total_inactive_file ?? stats.inactive_file ?? 0)) / MIB
}

async function highest(started: StartedTestContainer, signal: AbortSignal): Promise<number> {
  let most = 0
  // The engine takes a second for each.
  while (!signal.aborted) most = Math.max(most, await workingSetMiB(started))
  return most
}
