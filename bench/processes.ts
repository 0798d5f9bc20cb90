import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its standard output goes; nowhere by default. */
  readonly output?: string
}

/** A program under measurement, with the processes that it starts itself. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  /** User and system time so far, milliseconds. */
  cpuMs(): number
  /** Resident memory now, and the most since its start; MiB. */
  memory(): { now: number; peak: number }
}

/** The clock's unit in /proc; the same on every Linux that Node supports. */
const MS_PER_TICK = 10

export function start({ file, args, env = {}, output }: Command): Running {
  // kubectl tells of each connection that the generator cuts at its end.
  const hasVoice = file !== 'kubectl'
  const out = output === undefined ? 'ignore' : openSync(output, 'a')
  const { PATH = '', HOME = '' } = process.env
  // Nothing else of the caller's environment: a company proxy would be asked for loopback addresses.
  const child = spawn(file, args, {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', out, hasVoice ? 'inherit' : 'ignore'],
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${file} could not be started`)
  return {
    pid,
    cpuMs: () => familyOf(pid).reduce((sum, member) => sum + cpuMsOf(member), 0),
    memory: () => {
      const found = familyOf(pid).map(memoryOf)
      return { now: total(found.map(({ now }) => now)), peak: total(found.map(({ peak }) => peak)) }
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await ended
  clearTimeout(timer)
}

/** Whether a program of this name can be started here. */
export function isInstalled(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (typeof address !== 'object' || address === null) throw new Error('no port is free')
  return address.port
}

/** Resolves when somebody accepts connections at the port. */
export async function listening(port: number): Promise<void> {
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket
        .once('connect', () => {
          resolve(true)
        })
        .once('error', () => {
          resolve(false)
        })
    })
    socket.destroy()
    if (isOpen === true) return
    await sleep(10)
  }
  throw new Error(`nothing listens on port ${port}`)
}

function familyOf(pid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(familyOf)]
}

function cpuMsOf(pid: number): number {
  // The name in parentheses may hold blanks. utime and stime are the 14th and 15th field.
  const fields = textOf(`/proc/${pid}/stat`)
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * MS_PER_TICK
}

function memoryOf(pid: number): { now: number; peak: number } {
  const status = textOf(`/proc/${pid}/status`)
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  return { now: mib('VmRSS'), peak: mib('VmHWM') }
}

/** Empty where the process has ended, or the system has no /proc. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
