/**
 * `node bench/flame.ts OUT.svg [MAIN]`: where the processor's time goes under load, as a flame graph of the main thread. Needs Linux's `perf`,
 * which interrupts by the clock: V8's own profiler wakes a thread for each sample, which under load comes to run when the program makes
 * a system call, so that it hardly sees anything else. MAIN is the bundle to look at, this checkout's by default.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundle } from '../scripts/bundle.ts'
import { ours } from './contestants.ts'
import { firstAnswer } from './first-answer.ts'
import { flameGraph } from './flame-graph.ts'
import { openLab } from './lab.ts'
import { CONNECTIONS, load, warmUp } from './load.ts'
import { freePort, start } from './processes.ts'

const [out, main] = process.argv.slice(2)
if (out === undefined) throw new Error('usage: node bench/flame.ts OUT.svg [MAIN]')

const root = resolve(import.meta.dirname, '..')
if (main === undefined) await bundle({ root, outdir: join(root, 'dist') })
await using lab = await openLab()
const port = await freePort()
const { args, ...command } = ours({})({ port, target: lab.plain, lab })
const [bundled = '', ...rest] = args
const named = ['--perf-basic-prof', '--interpreted-frames-native-stack']
await using proxy = start({ ...command, args: [...named, main ?? bundled, ...rest] })
await firstAnswer(port)
await warmUp(port, 2)

const data = join(lab.directory, 'perf.data')
const flags = ['record', '-q', '-e', 'cpu-clock', '-F', '2999', '-g', '-t', String(proxy.pid), '-o', data]
const perf = spawn('perf', flags, { stdio: ['ignore', 'ignore', 'inherit'] })
const { requests } = await load({ port, connections: CONNECTIONS, seconds: 6 })
perf.kill('SIGINT')
await once(perf, 'exit')
const stacks = execFileSync('perf', ['script', '-i', data, '-F', 'ip,sym'], { encoding: 'utf8', maxBuffer: 2 ** 30 })
writeFileSync(out, flameGraph(stacks, { requests, hertz: 2999 }))
