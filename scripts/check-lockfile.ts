/** `npm run lockfile`: ends with 1 where package-lock.json would let something else be installed than what was reviewed. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { lockfileProblems, type Lockfile } from './lockfile-problems.ts'

/** All of them are for development: they fetch or build binaries, or print a line about themselves. */
const MAY_RUN_SCRIPTS = ['core-js', 'core-js-pure', 'cpu-features', 'esbuild', 'node', 'protobufjs', 'ssh2']

const path = resolve(import.meta.dirname, '../package-lock.json')
// npm writes it; lockfileProblems checks what counts.
const lock = JSON.parse(readFileSync(path, 'utf8')) as Lockfile
const problems = lockfileProblems(lock, MAY_RUN_SCRIPTS)
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
else
  process.stdout.write(
    'package-lock.json: every package is pinned by its content, and none comes from elsewhere than npm\n',
  )
