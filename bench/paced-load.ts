import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const PER_SECOND = 1000

export interface PacedOptions {
  readonly port: number
  readonly seconds: number
}

/** When a request was sent, epoch milliseconds, and how long its answer took. */
export interface Sample {
  readonly at: number
  readonly ms: number
}

/** Such a heap holds what a run takes without collecting garbage. */
const NODE_FLAGS = ['--max-semi-space-size=64']
const MOST_OUTPUT = 2 ** 28

/** 1,000 requests a second, from a process of its own: what this one does meanwhile delays none. */
export async function pacedLoad({ port, seconds }: PacedOptions): Promise<Sample[]> {
  const program = join(import.meta.dirname, 'programs/paced-load.ts')
  const args = [...NODE_FLAGS, program, ...[port, PER_SECOND, PER_SECOND * seconds].map(String)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: MOST_OUTPUT })
  return (JSON.parse(stdout) as [number, number][]).map(([at, ms]) => ({ at, ms }))
}
