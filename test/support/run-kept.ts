/** Runs the program in its arguments as `runKept` does and tells what came of it; ends at once, or with the standard input. */
import process from 'node:process'
import { runKept } from '../../src/cli/kept-code.ts'

const [program = '', digest = '', file = '', end = ''] = process.argv.slice(2)
const { exports, isKept } = runKept({ program, kept: { file, digest, settledMs: [0] } })
process.stdout.write(`${JSON.stringify({ exports, isKept })}\n`)
if (end === 'stay') process.stdin.resume()
else process.exitCode = Number(end)
