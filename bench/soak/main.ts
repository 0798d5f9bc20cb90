/**
 * `npm run soak`: the proxy in front of the embedded org, each in a process of its own, under well- and misbehaving clients for as long as
 * you like. Prints what became of the calls and exits with 1 where one failed through the proxy (docs/faults.md says when that is).
 *
 *   --minutes N      how long (default: 10)
 *   --lifetime N     seconds that a token lives, however much it is used (default: 20)
 *   --kill-every N   seconds between two deaths of all sessions (default: none)
 *   --clients N      well-behaved clients, and as many misbehaving ones (default: 12)
 *
 * With CLOUDAWARE_URL in the environment it runs against that org instead, with the settings found there and PROXY_READ_ONLY=true.
 */
import { parseArgs } from 'node:util'
import { startSoaked } from './processes.ts'
import { report } from './report.ts'
import { Tally } from './tally.ts'
import { misbehave } from './misbehaving.ts'
import { behave } from './well-behaved.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    lifetime: { type: 'string', default: '20' },
    'kill-every': { type: 'string' },
    clients: { type: 'string', default: '12' },
  },
})
const positive = (name: keyof typeof values) => {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0`)
  return value
}
const minutes = positive('minutes')
const clients = Math.ceil(positive('clients'))

await using soaked = await startSoaked({
  lifetimeSeconds: positive('lifetime'),
  ...(values['kill-every'] !== undefined && { killEverySeconds: positive('kill-every') }),
})
const tally = new Tally()
const until = Date.now() + minutes * 60_000
const isOver = () => Date.now() >= until || soaked.hasEnded()
const say = setInterval(() => {
  process.stderr.write(`${((until - Date.now()) / 60_000).toFixed(1)} min left, ${tally.line()}\n`)
}, 30_000)
const crowd = Array.from({ length: clients }, (_, n) => [
  behave({ soaked, tally, isOver, n }),
  misbehave({ soaked, tally, isOver, n }),
])
await Promise.all(crowd.flat())
clearInterval(say)
const outcome = await soaked.settled()
process.stdout.write(report(tally, outcome))
process.exitCode = tally.failures.length > 0 || outcome.problems.length > 0 ? 1 : 0
