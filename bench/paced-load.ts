import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface PacedOptions {
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
}

/** When a request was sent, epoch milliseconds, and how long its answer took. */
export interface Sample {
  readonly at: number
  readonly ms: number
}

/** Such a heap holds what a run takes without collecting garbage. */
const NODE_OPTIONS = ['--max-semi-space-size=64']
const MOST_OUTPUT = 2 ** 28

/** Requests at a steady rate, from a process of its own: what this one does meanwhile delays none. */
export async function pacedLoad({ port, perSecond, seconds }: PacedOptions): Promise<Sample[]> {
  const program = join(import.meta.dirname, 'programs/paced-load.ts')
  const args = [...NODE_OPTIONS, program, ...[port, perSecond, perSecond * seconds].map(String)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: MOST_OUTPUT })
  return (JSON.parse(stdout) as [number, number][]).map(([at, ms]) => ({ at, ms }))
}
