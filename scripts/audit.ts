/** `npm run audit`: ends with 1 where a library that the program runs on has a known vulnerability. */
import { spawnSync } from 'node:child_process'
import { judgeAudit } from './audit-report.ts'

// npm is a shell script, and on Windows a .cmd.
const { stdout } = spawnSync('npm audit --omit=dev --json', { shell: true, encoding: 'utf8' })
const { exitCode, lines } = judgeAudit(stdout)
for (const line of lines) process.stdout.write(`${line}\n`)
process.exitCode = exitCode
