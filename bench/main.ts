/**
 * `npm run bench`: this proxy, the floor under it and its peers, side by side on this machine. Installs nothing: who is not there is left out.
 *
 *   --quick       two minutes, fewer rounds, without the extra peers
 *   --rounds N    rounds of each measurement
 *   --document    write the table and the chart into docs/
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from '../scripts/bundle.ts'
import { chart } from './chart.ts'
import { contestantsFor } from './contestants.ts'
import { openLab } from './lab.ts'
import { latency } from './latency.ts'
import { machineFacts } from './machine.ts'
import { report } from './report.ts'
import type { Results } from './results.ts'
import { startUp } from './start-up.ts'
import { streams } from './streams.ts'
import { throughput } from './throughput.ts'
import { refreshUnderLoad } from './token-refresh.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    document: { type: 'boolean', default: false },
  },
})
const isQuick = values.quick
const rounds = values.rounds === undefined ? (isQuick ? 2 : 6) : Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on')

const root = resolve(import.meta.dirname, '..')
const say = (text: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${text}\n`)

say('building dist/')
await bundle({ root, outdir: join(root, 'dist') })
await using lab = await openLab()
const contestants = contestantsFor({ isQuick })
// Rather many rounds than long ones: a machine has good and bad minutes.
const seconds = isQuick ? 1 : 2
// Few have short rests.
const leadInSeconds = isQuick ? 0 : 2

say('requests a second, plain upstream')
const plain = await throughput({ lab, target: lab.plain, contestants, rounds, seconds, leadInSeconds, say })
say('requests a second, TLS upstream')
const secure = contestants.filter(({ hasTls }) => hasTls)
const tls = await throughput({ lab, target: lab.tls, contestants: secure, rounds, seconds, leadInSeconds, say })
say('latency at 1,000 requests a second')
const paced = await latency({ lab, rounds, seconds })
say('streams')
const streamed = await streams({ lab, rounds: isQuick ? 1 : rounds, bytes: isQuick ? 2 ** 28 : 2 ** 30 })
say('start and memory')
const started = await startUp({ lab, rounds: isQuick ? 1 : rounds, seconds: isQuick ? 1 : 3 })
say('token refresh under load')
const refresh = await refreshUnderLoad({ lab, seconds: isQuick ? 2 : 60, refreshes: isQuick ? 1 : 8 })

const results: Results = {
  at: new Date().toISOString(),
  machine: machineFacts({ upstreamName: lab.upstreamName, rounds, seconds }),
  plain,
  tls,
  startUp: started,
  latency: paced,
  streams: streamed,
  refresh,
}
const markdown = report(results)
process.stdout.write(`${markdown}\n`)
mkdirSync(join(root, '.cache'), { recursive: true })
const resultFile = join(root, '.cache', 'bench.json')
writeFileSync(resultFile, `${JSON.stringify(results, null, 1)}\n`)
writeFileSync(join(root, '.cache', 'bench.svg'), chart(results))
say(`\n${resultFile}`)
if (values.document) intoDocument()

/** Between the two marks, where the results of the last full run stand. */
function intoDocument(): void {
  const path = join(root, 'docs', 'performance.md')
  const text = readFileSync(path, 'utf8')
  const [begin, end] = ['<!-- results -->', '<!-- /results -->'].map((mark) => text.indexOf(mark)) as [number, number]
  if (begin === -1 || end === -1) throw new Error(`${path} has no marks`)
  writeFileSync(path, `${text.slice(0, begin)}<!-- results -->\n\n${markdown}\n\n${text.slice(end)}`)
  writeFileSync(join(root, 'docs', 'performance.svg'), chart(results))
}
